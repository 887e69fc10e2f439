// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "../../sol/IVault.sol";
import {DevToken} from "../../sol/dev/DevToken.sol";
import {TickMathLib} from "../../sol/lib/TickMathLib.sol";
import {TwapLib} from "../../sol/lib/TwapLib.sol";
import {VenueFixture} from "../venues/VenueFixture.sol";

contract TwapLibTest is VenueFixture {
    uint256 private constant WAD = 1e18;
    uint32 private constant WINDOW = 1800;

    // The library's calls as calls, for gas and refusals

    function priceWad(IUniswapV3Pool pool, bool isToken0, uint8 decimals, uint8 baseDecimals, uint32 window)
        public
        view
        returns (uint256)
    {
        return TwapLib.priceWad(address(pool), isToken0, decimals, baseDecimals, window);
    }

    function meanTick(IUniswapV3Pool pool, uint32 window) public view returns (int24) {
        return TwapLib.meanTick(address(pool), window);
    }

    function checkAgrees(uint256 oraclePrice, uint256 averagePrice, uint256 ppm) public pure {
        TwapLib.checkAgrees(address(7), oraclePrice, averagePrice, ppm);
    }

    function quoteDown(int24 tick, bool isToken0, uint256 amount) public pure returns (uint256) {
        return TwapLib.quoteDown(tick, isToken0, amount);
    }

    /// @param price WAD, of one whole token in the base asset.
    function _poolAt(uint256 price, uint8 decimals, uint8 baseDecimals)
        private
        returns (IUniswapV3Pool pool, bool isToken0)
    {
        DevToken token = new DevToken("Token", "TOK", decimals);
        DevToken base = new DevToken("Base", "BASE", baseDecimals);
        isToken0 = address(token) < address(base);
        // One million whole tokens deep, in smallest units.
        pool = _newPool(factory, token, base, 500, 1e6 * 10 ** decimals, price * 10 ** baseDecimals / 1e12);
        pool.increaseObservationCardinalityNext(40);
    }

    // Price

    function test_default_priceOfAnEtherInDollars() public {
        (IUniswapV3Pool pool, bool isToken0) = _poolAt(2_000e18, 18, 6);
        vm.warp(block.timestamp + WINDOW);
        uint256 price = this.priceWad(pool, isToken0, 18, 6, WINDOW);
        vm.snapshotGasLastCall("Oracles", "TWAP over a quiet pool, whole call");
        _assertClose(price, 2_000e18, 100, "within a tick, a hundredth of a percent");
    }

    /// Every number of decimals against every other, over prices of twelve orders of magnitude.
    function testFuzz_default_priceForTokensOf0To24Decimals(uint256 price, uint8 decimals, uint8 baseDecimals) public {
        decimals = uint8(bound(decimals, 0, 24));
        baseDecimals = uint8(bound(baseDecimals, 0, 24));
        // A million tokens are then worth at least a thousand million units of base: the pool can express the price.
        uint256 smallest = baseDecimals >= 9 ? 1e12 : 10 ** (21 - baseDecimals);
        price = bound(price, smallest, 1e6 * WAD > smallest ? 1e6 * WAD : 10 * smallest);
        (IUniswapV3Pool pool, bool isToken0) = _poolAt(price, decimals, baseDecimals);
        vm.warp(block.timestamp + WINDOW);
        _assertClose(priceWad(pool, isToken0, decimals, baseDecimals, WINDOW), price, 101, "within a tick");
    }

    function _assertClose(uint256 a, uint256 b, uint256 ppm, string memory reason) private pure {
        vm.assertTrue((a > b ? a - b : b - a) <= b * ppm / 1e6 + 1, reason);
    }

    /// Uniswap v3-periphery, test/OracleLibrary.spec.ts, `getQuoteAtTick`.
    function test_default_publishedQuotes() public pure {
        uint256 amount = type(uint128).max;
        vm.assertEq(TwapLib.quoteDown(-887_272, true, amount), 1, "lowest tick, token0");
        vm.assertEq(
            TwapLib.quoteDown(-887_272, false, amount),
            115783384738768196242144082653949453838306988932806144552194799290216044976282,
            "lowest tick, token1"
        );
        vm.assertEq(
            TwapLib.quoteDown(887_272, true, amount),
            115783384785599357996676985412062652720342362943929506828539444553934033845703,
            "highest tick, token0"
        );
        vm.assertEq(TwapLib.quoteDown(887_272, false, amount), 1, "highest tick, token1");
        vm.assertEq(TwapLib.quoteDown(0, true, amount), amount, "price 1");
    }

    /// The twin multiplies by 1.0001 tick by tick, with 36 digits.
    function testFuzz_behaviour_agreesWithRepeatedMultiplication(int16 tick, bool isToken0) public pure {
        tick = int16(tick % 3_000);
        uint256 power = 1e36;
        for (uint256 i; i < uint256(int256(tick < 0 ? -tick : tick)); ++i) {
            power = power * 10_001 / 10_000;
        }
        bool isUp = (tick >= 0) == isToken0;
        uint256 expected = isUp ? power / WAD : 1e54 / power;
        uint256 quoted = TwapLib.quoteDown(tick, isToken0, WAD);
        // The root is rounded up to 96 bits behind the point, worth less than 1e-28 of it.
        vm.assertTrue(quoted + 2 >= expected && quoted <= expected + 2, "to the last but one digit");
    }

    function testFuzz_behaviour_isTheRootSquaredRoundedDown(int24 tick, uint64 amount) public pure {
        // Roots below 2^96 keep the product within 256 bits.
        tick = -int24(int256(bound(uint24(tick), 0, 887_272)));
        uint256 root = TickMathLib.sqrtPriceX96(tick);
        vm.assertEq(TwapLib.quoteDown(tick, true, amount), root * root * amount >> 192, "plain arithmetic");
    }

    function test_error_quoteBeyond256Bits() public {
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        this.quoteDown(887_272, true, 1e42);
    }

    // Mean

    /// Swaps at random times; the twin adds up the pool's tick second by second.
    function testFuzz_default_meanOfTheTicksSecondBySecond(uint256 seed) public {
        (IUniswapV3Pool pool,) = _poolAt(uint256(bound(seed, 1, 5)) * WAD, 18, 18);
        int256 sum;
        uint256 elapsed;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bool isZeroForOne = seed % 2 == 0;
            uint256 size = (seed >> 8) % 200_000e18 + 1;
            pool.swap(
                address(this),
                isZeroForOne,
                int256(size),
                isZeroForOne ? TickMathLib.MIN_SQRT_PRICE + 1 : TickMathLib.MAX_SQRT_PRICE - 1,
                ""
            );
            (, int24 tick,,,,,) = pool.slot0();
            uint256 duration = (seed >> 128) % 300;
            vm.warp(block.timestamp + duration);
            sum += int256(tick) * int256(duration);
            elapsed += duration;
        }
        if (elapsed == 0) return;
        int256 length = int256(elapsed);
        int256 floor = sum >= 0 ? sum / length : -((-sum + length - 1) / length);
        vm.assertTrue(TwapLib.meanTick(address(pool), uint32(elapsed)) == floor, "mean, rounded down");
    }

    function test_behaviour_aMovedPoolNeedsTheWholeWindow() public {
        (IUniswapV3Pool pool, bool isToken0) = _poolAt(2_000e18, 18, 6);
        vm.warp(block.timestamp + WINDOW);
        // Pushes the price of the token up threefold.
        uint160 target = isToken0 ? TickMathLib.MAX_SQRT_PRICE - 1 : TickMathLib.MIN_SQRT_PRICE + 1;
        pool.swap(address(this), !isToken0, 1_464_000_000e6, target, "");
        _assertClose(this.priceWad(pool, isToken0, 18, 6, WINDOW), 2_000e18, 100, "not at once");
        vm.warp(block.timestamp + 12);
        // One block of 12 s at threefold the price: 3^(12/1800) = 1.00735.
        _assertClose(this.priceWad(pool, isToken0, 18, 6, WINDOW), 2_014.7e18, 200, "a block's share after a block");
        vm.warp(block.timestamp + WINDOW);
        _assertClose(this.priceWad(pool, isToken0, 18, 6, WINDOW), 6_000e18, 1_000, "wholly after the window");
    }

    function test_default_gasOfABusyPool() public {
        (IUniswapV3Pool pool, bool isToken0) = _poolAt(2_000e18, 18, 6);
        for (uint256 i; i < 60; ++i) {
            vm.warp(block.timestamp + 60);
            bool isZeroForOne = i % 2 == 0;
            uint160 limit = isZeroForOne ? TickMathLib.MIN_SQRT_PRICE + 1 : TickMathLib.MAX_SQRT_PRICE - 1;
            pool.swap(address(this), isZeroForOne, 1e6, limit, "");
        }
        vm.warp(block.timestamp + 30);
        this.priceWad(pool, isToken0, 18, 6, WINDOW);
        vm.snapshotGasLastCall("Oracles", "TWAP over a pool with 40 observations, whole call");
    }

    function test_error_poolWithTooShortAMemory() public {
        (IUniswapV3Pool pool,) = _poolAt(2_000e18, 18, 6);
        vm.warp(block.timestamp + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "OLD"));
        this.meanTick(pool, WINDOW);
    }

    function test_error_windowOfNoSeconds() public {
        (IUniswapV3Pool pool,) = _poolAt(2_000e18, 18, 6);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x12));
        this.meanTick(pool, 0);
    }

    // Agreement

    function test_behaviour_agreesUpToTheBoundOnEitherSide() public pure {
        vm.assertTrue(TwapLib.isAgreeing(2_000e18, 2_020e18, 10_000), "1 % above");
        vm.assertTrue(TwapLib.isAgreeing(2_000e18, 1_980e18, 10_000), "1 % below");
        vm.assertFalse(TwapLib.isAgreeing(2_000e18, 2_020e18 + 1, 10_000), "beyond above");
        vm.assertFalse(TwapLib.isAgreeing(2_000e18, 1_980e18 - 1, 10_000), "beyond below");
        vm.assertTrue(TwapLib.isAgreeing(5, 5, 0), "equal");
        vm.assertFalse(TwapLib.isAgreeing(2_000e18, type(uint256).max, 10_000), "absurd");
    }

    function test_error_disagreement() public {
        checkAgrees(2_000e18, 2_020e18, 10_000);
        vm.expectRevert(
            abi.encodeWithSelector(IVault.PriceDisagreement.selector, address(7), 2_000e18, 2_020e18 + 1, 10_000)
        );
        this.checkAgrees(2_000e18, 2_020e18 + 1, 10_000);
    }
}
