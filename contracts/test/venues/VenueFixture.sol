// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVaultPay, IVenue} from "../../sol/IVenue.sol";
import {DevToken} from "../../sol/dev/DevToken.sol";
import {Cheatcodes} from "../Cheatcodes.sol";

/// @dev Of the package's own bytecode, as the published addresses' salts are made with.
bytes32 constant V3_POOL_CODE_HASH = 0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54;
bytes32 constant V2_PAIR_CODE_HASH = 0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f;

/// Pays for its own swap alone, as the vault does, and holds what it is told to.
contract Payer is IVaultPay {
    using SafeERC20 for IERC20;

    mapping(address token => bool) public isHeld;
    uint256 public payments;
    address private transient _venue;
    uint256 private transient _left;

    function hold(address token) external {
        isHeld[token] = true;
    }

    function swap(
        IVenue venue,
        address tokenIn,
        address tokenOut,
        uint256 amountIn,
        uint256 minAmountOut,
        bytes calldata route,
        address recipient
    ) external returns (uint256) {
        (_venue, _left) = (address(venue), amountIn);
        return venue.swap(tokenIn, tokenOut, amountIn, minAmountOut, route, recipient);
    }

    function pay(address token, address to, uint256 amount) external {
        require(msg.sender == _venue && amount <= _left, "not owed");
        (_left, payments) = (_left - amount, payments + 1);
        IERC20(token).safeTransfer(to, amount);
    }
}

/// @dev Real Uniswap v3 pools from the package's bytecode, with liquidity over the full range, and somebody who pays.
abstract contract VenueFixture is Cheatcodes {
    address internal constant RECIPIENT = address(0x2ec1);

    IUniswapV3Factory internal factory;
    Payer internal payer;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        factory = _newFactory();
        payer = new Payer();
    }

    function _newFactory() internal returns (IUniswapV3Factory) {
        return IUniswapV3Factory(
            _create("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json", "")
        );
    }

    /// @param path Of an artefact below node_modules.
    function _create(string memory path, bytes memory arguments) internal returns (address deployed) {
        string memory json = vm.readFile(string.concat("../node_modules/", path));
        bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), path);
    }

    /// @dev Where L = sqrt(x·y), a full range is x·y = k (Uniswap v3 whitepaper, eq. 2.1).
    function _newPool(IUniswapV3Factory factory_, DevToken a, DevToken b, uint24 fee, uint256 amountA, uint256 amountB)
        internal
        returns (IUniswapV3Pool pool)
    {
        pool = IUniswapV3Pool(factory_.createPool(address(a), address(b), fee));
        (uint256 amount0, uint256 amount1) = address(a) < address(b) ? (amountA, amountB) : (amountB, amountA);
        pool.initialize(_sqrtPriceX96(amount0, amount1));
        int24 edge = 887_272 / pool.tickSpacing() * pool.tickSpacing();
        pool.mint(address(this), -edge, edge, uint128(Math.sqrt(amount0 * amount1)), "");
    }

    function _sqrtPriceX96(uint256 amount0, uint256 amount1) private pure returns (uint160) {
        // A price above 2^64 leaves no room for 192 bits behind the point.
        if (amount1 / amount0 < 1 << 64) return uint160(Math.sqrt(Math.mulDiv(amount1, 1 << 192, amount0)));
        return uint160(Math.sqrt(Math.mulDiv(amount1, 1 << 128, amount0)) << 32);
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _mintTo(msg.sender, amount0, amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        _mintTo(msg.sender, amount0 > 0 ? uint256(amount0) : 0, amount1 > 0 ? uint256(amount1) : 0);
    }

    function _mintTo(address pool, uint256 amount0, uint256 amount1) private {
        DevToken(IUniswapV3Pool(pool).token0()).mint(pool, amount0);
        DevToken(IUniswapV3Pool(pool).token1()).mint(pool, amount1);
    }
}
