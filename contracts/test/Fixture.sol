// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AttestationRequest,
    AttestationRequestData,
    IEAS,
    RevocationRequest,
    RevocationRequestData
} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {ISchemaRegistry} from "@ethereum-attestation-service/eas-contracts/contracts/ISchemaRegistry.sol";
import {ISchemaResolver} from "@ethereum-attestation-service/eas-contracts/contracts/resolver/ISchemaResolver.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {ISwapRouter} from "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {Decision, Limits, TokenConfig, Trade} from "../sol/IVault.sol";
import {Vault} from "../sol/Vault.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {Cheatcodes} from "./Cheatcodes.sol";
import {SetFeed} from "./Fakes.sol";

/// @dev A vault of one million dollars, 30 % USDC, 40 % ether and 30 % bitcoin by value where ether should be 30 % and
/// USDC 40 %, over the real EAS and Uniswap v3 from the bytecode in their npm packages. Selling 50 ether puts it right.
abstract contract Fixture is Cheatcodes {
    uint256 internal constant NOW = 1_700_000_000;
    uint24 internal constant ETHER_FEE = 500;
    uint24 internal constant BITCOIN_FEE = 3000;
    bytes32 internal constant MODEL = keccak256("model");

    address internal attester = address(0xa77e57e5);
    address internal owner = address(0x0123);

    ISchemaRegistry internal registry;
    IEAS internal eas;
    IUniswapV3Factory internal factory;
    ISwapRouter internal router;
    DevToken internal usdc;
    DevToken internal weth;
    DevToken internal wbtc;
    SetFeed internal usdcFeed;
    SetFeed internal wethFeed;
    SetFeed internal wbtcFeed;
    IUniswapV3Pool internal wethPool;
    IUniswapV3Pool internal wbtcPool;
    Vault internal vault;

    function setUp() public virtual {
        vm.warp(NOW);
        registry = ISchemaRegistry(
            _deploy(
                "@ethereum-attestation-service/eas-contracts/artifacts/contracts/SchemaRegistry.sol/SchemaRegistry", ""
            )
        );
        eas = IEAS(
            _deploy("@ethereum-attestation-service/eas-contracts/artifacts/contracts/EAS.sol/EAS", abi.encode(registry))
        );
        registry.register(DecisionLib.SCHEMA, ISchemaResolver(address(0)), true);
        factory = IUniswapV3Factory(
            _deploy("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory", "")
        );
        // The router's wrapped ether is only touched by swaps of native ether.
        router = ISwapRouter(
            _deploy(
                "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter", abi.encode(factory, address(1))
            )
        );

        usdc = new DevToken("USD Coin", "USDC", 6);
        weth = _newEther();
        wbtc = new DevToken("Bitcoin", "WBTC", 8);
        usdcFeed = new SetFeed(8, 1e8);
        wethFeed = new SetFeed(8, 2_000e8);
        wbtcFeed = new SetFeed(8, 30_000e8);
        // 100 million dollars a side: 100,000 dollars move the price by about 0.2 %.
        wethPool = _newPool(weth, ETHER_FEE, 50_000e18, 100_000_000e6);
        wbtcPool = _newPool(wbtc, BITCOIN_FEE, 3_333e8, 99_990_000e6);

        vault = new Vault(owner, eas, router, _configs(), _limits());
        vm.prank(owner);
        vault.setAttester(attester, true);
        vm.prank(owner);
        vault.setModel(MODEL, true);
        usdc.mint(address(vault), 300_000e6);
        weth.mint(address(vault), 200e18);
        wbtc.mint(address(vault), 10e8);
    }

    // What a test may ask to be different

    function _newEther() internal virtual returns (DevToken) {
        return new DevToken("Ether", "WETH", 18);
    }

    function _limits() internal pure virtual returns (Limits memory) {
        return Limits({cooldown: 1 hours, maxTurnover: 0.25e18, maxSlippage: 0.01e18});
    }

    function _configs() internal view returns (TokenConfig[] memory configs) {
        configs = new TokenConfig[](3);
        configs[0] = TokenConfig(usdc, usdcFeed, 1 days, 0, 0.4e18, 0.05e18);
        configs[1] = TokenConfig(weth, wethFeed, 2 hours, ETHER_FEE, 0.3e18, 0.05e18);
        configs[2] = TokenConfig(wbtc, wbtcFeed, 2 hours, BITCOIN_FEE, 0.3e18, 0.05e18);
    }

    // Decisions

    function _trade(DevToken tokenIn, DevToken tokenOut, uint256 amountIn) internal view returns (Trade memory) {
        bool isBitcoin = address(tokenIn) == address(wbtc) || address(tokenOut) == address(wbtc);
        uint256 minAmountOut = vault.minOut(address(tokenIn), address(tokenOut), amountIn);
        uint24 fee = isBitcoin ? BITCOIN_FEE : ETHER_FEE;
        return Trade(address(tokenIn), address(tokenOut), fee, amountIn, minAmountOut);
    }

    function _trades(Trade memory trade) internal pure returns (Trade[] memory trades) {
        trades = new Trade[](1);
        trades[0] = trade;
    }

    function _sellEther() internal view returns (Trade[] memory) {
        return _trades(_trade(weth, usdc, 50e18));
    }

    function _sellEtherBuyBitcoin() internal view returns (Trade[] memory trades) {
        trades = new Trade[](2);
        trades[0] = _trade(weth, usdc, 50e18);
        trades[1] = _trade(usdc, wbtc, 30_000e6);
    }

    function _decide(Trade[] memory trades) internal view returns (Decision memory) {
        return Decision({
            chainId: block.chainid,
            vault: address(vault),
            sequence: vault.state().sequence + 1,
            action: 1,
            reason: 2,
            decidedAt: uint64(block.timestamp),
            expiresAt: uint64(block.timestamp + 30 minutes),
            inputRoot: keccak256("input"),
            stateHash: keccak256("state"),
            modelId: MODEL,
            forecastHash: keccak256("forecast"),
            policyId: keccak256("policy"),
            breachPpm: 420_000,
            tradesHash: keccak256(abi.encode(trades))
        });
    }

    function _request(Decision memory decision) internal view returns (AttestationRequest memory) {
        AttestationRequestData memory data = AttestationRequestData({
            recipient: address(vault),
            expirationTime: decision.expiresAt,
            revocable: true,
            refUID: 0,
            data: abi.encode(decision),
            value: 0
        });
        return AttestationRequest(DecisionLib.SCHEMA_UID, data);
    }

    function _attest(Decision memory decision) internal returns (bytes32 uid) {
        vm.prank(attester);
        return eas.attest(_request(decision));
    }

    function _revoke(bytes32 uid) internal {
        vm.prank(attester);
        eas.revoke(RevocationRequest(DecisionLib.SCHEMA_UID, RevocationRequestData(uid, 0)));
    }

    function _decideAndAttest(Trade[] memory trades) internal returns (bytes32 uid, Decision memory decision) {
        decision = _decide(trades);
        uid = _attest(decision);
    }

    /// Lets time pass with the oracles kept fresh.
    function _pass(uint256 duration) internal {
        vm.warp(block.timestamp + duration);
        usdcFeed.set(1e8, block.timestamp);
        wethFeed.set(2_000e8, block.timestamp);
        wbtcFeed.set(30_000e8, block.timestamp);
    }

    // Pools

    function _newPool(DevToken token, uint24 fee, uint256 amount, uint256 baseAmount)
        internal
        returns (IUniswapV3Pool pool)
    {
        pool = IUniswapV3Pool(factory.createPool(address(token), address(usdc), fee));
        bool isBaseFirst = pool.token0() == address(usdc);
        (uint256 amount0, uint256 amount1) = isBaseFirst ? (baseAmount, amount) : (amount, baseAmount);
        pool.initialize(uint160(Math.sqrt(Math.mulDiv(amount1, 1 << 192, amount0))));
        int24 edge = 887_272 / pool.tickSpacing() * pool.tickSpacing();
        // Over the full range, L = sqrt(x·y) (Uniswap v3 whitepaper, eq. 2.1 with an unbounded range).
        pool.mint(address(this), -edge, edge, uint128(Math.sqrt(amount0 * amount1)), "");
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        DevToken(IUniswapV3Pool(msg.sender).token0()).mint(msg.sender, amount0);
        DevToken(IUniswapV3Pool(msg.sender).token1()).mint(msg.sender, amount1);
    }

    /// @param package Path of a Hardhat artefact below node_modules, without `.json`.
    function _deploy(string memory package, bytes memory arguments) internal returns (address deployed) {
        string memory json = vm.readFile(string.concat("../node_modules/", package, ".json"));
        bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), package);
    }
}
