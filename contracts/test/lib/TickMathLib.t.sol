// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {TickMathLib} from "../../sol/lib/TickMathLib.sol";
import {VenueFixture} from "../venues/VenueFixture.sol";

/// @dev The twin is the published bytecode itself: a pool that is begun at a price stores the tick below it.
contract TickMathLibTest is VenueFixture {
    uint160 private _next = 1;

    function _tickOfPool(uint160 price) private returns (int24 tick) {
        // The factory does not look at the tokens, only at their order.
        IUniswapV3Pool pool = IUniswapV3Pool(factory.createPool(address(_next++), address(type(uint160).max), 500));
        pool.initialize(price);
        (, tick,,,,,) = pool.slot0();
    }

    function sqrtPriceX96(int24 tick) external pure returns (uint160) {
        return TickMathLib.sqrtPriceX96(tick);
    }

    /// Uniswap v3-core, test/TickMath.spec.ts and its snapshot.
    function test_default_publishedValues() public pure {
        vm.assertEq(TickMathLib.sqrtPriceX96(-887_272), TickMathLib.MIN_SQRT_PRICE, "MIN_TICK");
        vm.assertEq(TickMathLib.sqrtPriceX96(-887_271), 4_295_343_490, "MIN_TICK + 1");
        vm.assertEq(TickMathLib.sqrtPriceX96(0), 1 << 96, "0");
        uint256 almost = 1_461_373_636_630_004_318_706_518_188_784_493_106_690_254_656_249;
        vm.assertEq(TickMathLib.sqrtPriceX96(887_271), almost, "MAX_TICK - 1");
        vm.assertEq(TickMathLib.sqrtPriceX96(887_272), TickMathLib.MAX_SQRT_PRICE, "MAX_TICK");
    }

    function test_default_gas() public {
        this.sqrtPriceX96(887_271);
        vm.snapshotGasLastCall("Oracles", "sqrtPriceX96, most bits set, whole call");
    }

    /// A price of the tick is the smallest that the pool takes for it: so the two agree to the last bit.
    function testFuzz_behaviour_agreesWithThePoolToTheLastBit(int24 tick) public {
        tick = int24(int256(bound(uint24(tick), 0, 2 * 887_271 - 1))) - 887_271;
        uint160 price = TickMathLib.sqrtPriceX96(tick);
        vm.assertEq(uint24(_tickOfPool(price)), uint24(tick), "at the price");
        vm.assertEq(uint24(_tickOfPool(price - 1)), uint24(tick - 1), "one unit below");
    }

    function test_behaviour_everyPowerOfTwoAgreesWithThePool() public {
        for (uint256 i; i < 20; ++i) {
            int24 tick = int24(int256(uint256(1 << i)));
            if (tick > 887_271) break;
            vm.assertEq(uint24(_tickOfPool(TickMathLib.sqrtPriceX96(tick))), uint24(tick), "above");
            vm.assertEq(uint24(_tickOfPool(TickMathLib.sqrtPriceX96(-tick))), uint24(-tick), "below");
            vm.assertEq(uint24(_tickOfPool(TickMathLib.sqrtPriceX96(-tick) - 1)), uint24(-tick - 1), "edge");
        }
    }

    function test_error_tickOutOfRange() public {
        int24[4] memory ticks = [int24(887_273), -887_273, type(int24).max, type(int24).min];
        for (uint256 i; i < ticks.length; ++i) {
            vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x01));
            this.sqrtPriceX96(ticks[i]);
        }
    }
}
