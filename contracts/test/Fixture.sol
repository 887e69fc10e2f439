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
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {Rebalancer} from "../sol/Rebalancer.sol";
import {Decision, Evidence, Market, Settings, Setup, Target, TokenConfig, Trade} from "../sol/Types.sol";
import {Vault} from "../sol/Vault.sol";
import {VaultLens} from "../sol/VaultLens.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {IPriceFeed} from "../sol/lib/OracleLib.sol";
import {UniswapV3Venue} from "../sol/venues/UniswapV3Venue.sol";
import {Cheatcodes} from "./Cheatcodes.sol";
import {SetFeed} from "./Fakes.sol";

/// @dev A vault of one million dollars, 30 % USDC, 40 % ether and 30 % bitcoin by value where ether should be 30 % and
/// USDC 40 %, over the real EAS and Uniswap v3 from the bytecode in their npm packages. Selling 50 ether puts it right.
abstract contract Fixture is Cheatcodes {
    bytes32 private constant POOL_CODE_HASH = 0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54;
    uint256 internal constant NOW = 1_700_000_000;
    uint24 internal constant ETHER_FEE = 500;
    uint24 internal constant BITCOIN_FEE = 3000;
    uint256 internal constant ATTESTER_KEY = 0xa77e57e5;

    address internal attester = vm.addr(ATTESTER_KEY);
    address internal owner = address(0x0123);
    address internal guardian = address(0x60a4d);
    address internal holder = address(0x401de4);
    /// In ascending order of their addresses.
    uint256[] internal notaryKeys;

    ISchemaRegistry internal registry;
    IEAS internal eas;
    IUniswapV3Factory internal factory;
    UniswapV3Venue internal venue;
    DevToken internal usdc;
    DevToken internal weth;
    DevToken internal wbtc;
    SetFeed internal usdcFeed;
    SetFeed internal wethFeed;
    SetFeed internal wbtcFeed;
    IUniswapV3Pool internal wethPool;
    IUniswapV3Pool internal wbtcPool;
    Rebalancer internal rebalancer;
    VaultLens internal lens;
    Vault internal vault;

    function setUp() public virtual {
        // The pools get a day of history before anything else happens.
        vm.warp(NOW - 1 days);
        _deployWorld();
        vm.warp(NOW);
        _pass(0);

        rebalancer = new Rebalancer(_market());
        lens = new VaultLens();
        vault = new Vault(_setup());

        usdc.mint(holder, 300_000e6);
        vm.prank(holder);
        usdc.approve(address(vault), type(uint256).max);
        vm.prank(holder);
        vault.deposit(300_000e6, holder);
        // The other tokens are donated: 299,100 shares of 3.34 dollars each.
        weth.mint(address(vault), 200e18);
        wbtc.mint(address(vault), 10e8);
    }

    function _deployWorld() private {
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
        venue = new UniswapV3Venue(address(factory), POOL_CODE_HASH);

        usdc = _newDollar();
        weth = _newEther();
        wbtc = new DevToken("Bitcoin", "WBTC", 8);
        usdcFeed = new SetFeed(8, 1e8);
        wethFeed = new SetFeed(8, 2_000e8);
        wbtcFeed = new SetFeed(8, 30_000e8);
        // 100 million dollars a side: 100,000 dollars move the price by about 0.2 %.
        wethPool = _newPool(weth, ETHER_FEE, 50_000e18, 100_000_000e6);
        wbtcPool = _newPool(wbtc, BITCOIN_FEE, 3_333e8, 99_990_000e6);
        for (uint256 i = 1; i <= 3; ++i) {
            notaryKeys.push(uint256(keccak256(abi.encode("notary", i))));
        }
        _sortNotaries();
    }

    function _sortNotaries() private {
        for (uint256 i; i < notaryKeys.length; ++i) {
            for (uint256 j = i + 1; j < notaryKeys.length; ++j) {
                if (vm.addr(notaryKeys[j]) > vm.addr(notaryKeys[i])) continue;
                (notaryKeys[i], notaryKeys[j]) = (notaryKeys[j], notaryKeys[i]);
            }
        }
    }

    // What a test may ask to be different

    function _newDollar() internal virtual returns (DevToken) {
        return new DevToken("USD Coin", "USDC", 6);
    }

    function _newEther() internal virtual returns (DevToken) {
        return new DevToken("Ether", "WETH", 18);
    }

    function _settings() internal pure virtual returns (Settings memory) {
        return Settings({
            cooldown: 1 hours,
            budgetWindow: 1 days,
            maxTurnoverPpm: 0.25e6,
            turnoverBudgetPpm: 0.5e6,
            maxSlippagePpm: 0.01e6,
            lossBudgetPpm: 0.002e6,
            crossTolerancePpm: 0.005e6,
            probationTurnoverPpm: 0.05e6,
            maxDecisionAge: 1 hours,
            probation: 3 days,
            twapWindow: 30 minutes,
            maxDisagreementPpm: 0.03e6,
            entryFeePpm: 0.003e6,
            exitFeePpm: 0.001e6,
            minScore: 0,
            scoreHorizon: 2,
            notaryThreshold: 2
        });
    }

    function _market() internal view returns (Market memory) {
        TokenConfig[] memory tokens = new TokenConfig[](3);
        tokens[0] = TokenConfig(usdc, usdcFeed, 1 days, 0.5e18, 2e18, address(0), 0);
        tokens[1] = TokenConfig(weth, wethFeed, 2 hours, 1e18, 1e24, address(wethPool), "WETH");
        tokens[2] = TokenConfig(wbtc, wbtcFeed, 2 hours, 1e18, 1e24, address(wbtcPool), "WBTC");
        return Market(eas, IPriceFeed(address(0)), 0, tokens);
    }

    function _targets() internal pure virtual returns (Target[] memory targets) {
        targets = new Target[](3);
        targets[0] = Target(0.4e18, 0.05e18);
        targets[1] = Target(0.3e18, 0.05e18);
        targets[2] = Target(0.3e18, 0.05e18);
    }

    function _setup() internal view returns (Setup memory) {
        return Setup({
            name: "Ballast",
            symbol: "BLST",
            owner: owner,
            guardian: guardian,
            delay: 2 days,
            rebalancer: address(rebalancer),
            lens: address(lens),
            targets: _targets(),
            settings: _settings(),
            attesters: _one(attester),
            notaries: _notaries(),
            venues: _one(address(venue))
        });
    }

    function _one(address a) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = a;
    }

    function _notaries() internal view returns (address[] memory list) {
        list = new address[](notaryKeys.length);
        for (uint256 i; i < list.length; ++i) {
            list[i] = vm.addr(notaryKeys[i]);
        }
    }

    // The owner, through the timelock

    function _change(bytes memory data) internal {
        vm.prank(owner);
        vault.submit(data);
        _pass(vault.delay());
        (bool isDone, bytes memory answer) = address(vault).call(data);
        if (!isDone) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }

    // Decisions

    function _trade(DevToken tokenIn, DevToken tokenOut, uint256 amountIn) internal view returns (Trade memory) {
        bool isBitcoin = address(tokenIn) == address(wbtc) || address(tokenOut) == address(wbtc);
        uint256 minAmountOut = vault.minOut(address(tokenIn), address(tokenOut), amountIn);
        bytes memory route = abi.encodePacked(isBitcoin ? BITCOIN_FEE : ETHER_FEE);
        return Trade(address(venue), address(tokenIn), address(tokenOut), amountIn, minAmountOut, route);
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
            sequence: vault.progress().sequence + 1,
            action: 1,
            reason: 2,
            decidedAt: uint64(block.timestamp),
            expiresAt: uint64(block.timestamp + 30 minutes),
            inputRoot: keccak256("input"),
            stateHash: keccak256("state"),
            modelId: 0,
            forecastHash: keccak256("forecast"),
            policyId: keccak256("policy"),
            breachPpm: 420_000,
            holding: 1,
            tradesHash: keccak256(abi.encode(trades))
        });
    }

    // Attestations

    function _refUid(Decision memory decision) internal view returns (bytes32) {
        return decision.modelId == 0 ? bytes32(0) : vault.model(decision.modelId).attestationUid;
    }

    function _request(Decision memory decision) internal view returns (AttestationRequest memory) {
        AttestationRequestData memory data = AttestationRequestData({
            recipient: address(vault),
            expirationTime: decision.expiresAt,
            revocable: true,
            refUID: _refUid(decision),
            data: abi.encode(decision),
            value: 0
        });
        return AttestationRequest(DecisionLib.SCHEMA_UID, data);
    }

    /// On chain.
    function _attest(Decision memory decision) internal returns (Evidence memory evidence) {
        vm.prank(attester);
        evidence.uid = eas.attest(_request(decision));
    }

    /// Off chain.
    function _sign(Decision memory decision) internal view returns (Evidence memory) {
        return _sign(decision, ATTESTER_KEY);
    }

    function _sign(Decision memory decision, uint256 key) internal view returns (Evidence memory evidence) {
        evidence.signature = _signature(key, _offchainDigest(decision, address(vault), _refUid(decision)));
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// As the EAS SDK has it, written once more from its sources.
    function _offchainDigest(Decision memory decision, address recipient, bytes32 refUid)
        internal
        view
        returns (bytes32)
    {
        bytes memory data = abi.encode(decision);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("EAS Attestation"),
                keccak256("1.4.0"),
                block.chainid,
                eas
            )
        );
        bytes32 struct_ = keccak256(
            bytes.concat(
                abi.encode(
                    keccak256(
                        "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,bytes32 salt)"
                    ),
                    uint16(2),
                    DecisionLib.SCHEMA_UID,
                    recipient,
                    decision.decidedAt
                ),
                abi.encode(decision.expiresAt, true, refUid, keccak256(data), keccak256(data))
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, struct_));
    }

    /// As the EAS SDK's `getOffchainUID` has it.
    function _offchainUid(Decision memory decision, bytes32 refUid) internal view returns (bytes32) {
        bytes memory data = abi.encode(decision);
        bytes memory head = abi.encodePacked(
            uint16(2), Strings.toHexString(uint256(DecisionLib.SCHEMA_UID), 32), address(vault), address(0)
        );
        return keccak256(
            abi.encodePacked(
                head, decision.decidedAt, decision.expiresAt, true, refUid, data, keccak256(data), uint32(0)
            )
        );
    }

    function _revoke(bytes32 uid) internal {
        vm.prank(attester);
        eas.revoke(RevocationRequest(DecisionLib.SCHEMA_UID, RevocationRequestData(uid, 0)));
    }

    function _decideAndSign(Trade[] memory trades)
        internal
        view
        returns (Decision memory decision, Evidence memory evidence)
    {
        decision = _decide(trades);
        evidence = _sign(decision);
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
        pool.increaseObservationCardinalityNext(64);
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
