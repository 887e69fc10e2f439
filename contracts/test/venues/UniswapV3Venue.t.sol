// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {ISwapRouter} from "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol";
import {IVenue} from "../../sol/IVenue.sol";
import {DevToken} from "../../sol/dev/DevToken.sol";
import {UniswapV3Venue} from "../../sol/venues/UniswapV3Venue.sol";
import {Venue} from "../../sol/venues/Venue.sol";
import {CallingToken, TollToken} from "../tokens/HostileTokens.sol";
import {V3_POOL_CODE_HASH, VenueFixture} from "./VenueFixture.sol";

/// @dev The twin is Uniswap's own SwapRouter over pools of a second factory in the same state.
contract UniswapV3VenueTest is VenueFixture {
    UniswapV3Venue private venue;
    ISwapRouter private router;
    IUniswapV3Pool private wethPool;
    DevToken private usdc;
    CallingToken private weth;
    TollToken private wbtc;

    function setUp() public override {
        super.setUp();
        (usdc, weth, wbtc) = (new DevToken("USD Coin", "USDC", 6), new CallingToken(), new TollToken(18));
        IUniswapV3Factory twin = _newFactory();
        router = ISwapRouter(
            _create(
                "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json", abi.encode(twin, address(1))
            )
        );
        venue = new UniswapV3Venue(address(factory), V3_POOL_CODE_HASH);
        wethPool = _newPool(factory, weth, usdc, 500, 50_000e18, 100_000_000e6);
        _newPool(factory, wbtc, usdc, 3000, 3_333e18, 99_990_000e6);
        _newPool(twin, weth, usdc, 500, 50_000e18, 100_000_000e6);
        _newPool(twin, wbtc, usdc, 3000, 3_333e18, 99_990_000e6);
        payer.hold(address(usdc));
        weth.mint(address(payer), 1_000e18);
        usdc.mint(address(payer), 1_000_000e6);
        weth.mint(address(this), 1_000e18);
        usdc.mint(address(this), 1_000_000e6);
        weth.approve(address(router), type(uint256).max);
        usdc.approve(address(router), type(uint256).max);
    }

    function _route() private pure returns (bytes memory) {
        return abi.encodePacked(uint24(500));
    }

    function _routeOverBase() private view returns (bytes memory) {
        return abi.encodePacked(uint24(500), usdc, uint24(3000));
    }

    function _swap(DevToken tokenIn, DevToken tokenOut, uint256 amountIn, uint256 min, bytes memory route)
        private
        returns (uint256)
    {
        return payer.swap(venue, address(tokenIn), address(tokenOut), amountIn, min, route, RECIPIENT);
    }

    function _routed(DevToken tokenIn, uint256 amountIn, bytes memory path) private returns (uint256) {
        return router.exactInput(
            ISwapRouter.ExactInputParams(abi.encodePacked(tokenIn, path), address(this), block.timestamp, amountIn, 0)
        );
    }

    function test_default_sellsForExactlyWhatTheRouterGets() public {
        uint256 received = _swap(weth, usdc, 50e18, 0, _route());
        vm.snapshotGasLastCall("Venues", "v3: one hop, cold, with the payer's share");
        // x·y = k with 0.05 % off the input: 100,000,000 · 49.975 / (50,000 + 49.975) = 99,850.199725…
        vm.assertEq(received, 99_850_199_725, "by the formula");
        vm.assertEq(received, _routed(weth, 50e18, abi.encodePacked(uint24(500), usdc)), "as the router");
        vm.assertEq(usdc.balanceOf(RECIPIENT), received, "arrived");
        vm.assertEq(weth.balanceOf(address(payer)), 950e18, "paid");
        vm.assertEq(payer.payments(), 1, "once");
    }

    function test_default_goesThroughTwoPools() public {
        uint256 received = _swap(weth, wbtc, 50e18, 0, _routeOverBase());
        vm.snapshotGasLastCall("Venues", "v3: two hops, cold, with the payer's share");
        bytes memory path = abi.encodePacked(uint24(500), usdc, uint24(3000), wbtc);
        vm.assertEq(received, _routed(weth, 50e18, path), "as the router");
        vm.assertEq(wbtc.balanceOf(RECIPIENT), received, "arrived");
        vm.assertEq(usdc.balanceOf(address(venue)), 0, "nothing stays");
        vm.assertEq(usdc.balanceOf(address(payer)), 1_000_000e6, "the hop's token is not the payer's");
        vm.assertEq(payer.payments(), 1, "paid once");
    }

    function testFuzz_behaviour_agreesWithTheRouterInBothDirections(uint256 amount, bool isSale, bool isLong) public {
        amount = isSale ? bound(amount, 1e12, 1_000e18) : bound(amount, 1e3, 1_000_000e6);
        if (isSale && isLong) {
            bytes memory path = abi.encodePacked(uint24(500), usdc, uint24(3000), wbtc);
            vm.assertEq(_swap(weth, wbtc, amount, 0, _routeOverBase()), _routed(weth, amount, path), "two hops");
        } else if (isSale) {
            bytes memory path = abi.encodePacked(uint24(500), usdc);
            vm.assertEq(_swap(weth, usdc, amount, 0, _route()), _routed(weth, amount, path), "sale");
        } else {
            bytes memory path = abi.encodePacked(uint24(500), weth);
            vm.assertEq(_swap(usdc, weth, amount, 0, _route()), _routed(usdc, amount, path), "purchase");
        }
        uint256 kept = usdc.balanceOf(address(venue)) + weth.balanceOf(address(venue)) + wbtc.balanceOf(address(venue));
        vm.assertEq(kept, 0, "nothing stays");
    }

    function test_behaviour_whatLiesInTheVenueIsNobodys() public {
        usdc.mint(address(venue), 777e6);
        uint256 received = _swap(weth, wbtc, 50e18, 0, _routeOverBase());
        bytes memory path = abi.encodePacked(uint24(500), usdc, uint24(3000), wbtc);
        vm.assertEq(received, _routed(weth, 50e18, path), "not a unit more");
        vm.assertEq(usdc.balanceOf(address(venue)), 777e6, "left where it was");
    }

    function test_error_receivesLessThanTheMinimum() public {
        vm.expectRevert(abi.encodeWithSelector(Venue.OutputTooSmall.selector, 99_850_199_725, 99_850_199_726));
        _swap(weth, usdc, 50e18, 99_850_199_726, _route());
        _swap(weth, usdc, 50e18, 99_850_199_725, _route());
    }

    function test_error_outputIsMeasuredNetOfATokensToll() public {
        uint256 gross = _routed(usdc, 30_000e6, abi.encodePacked(uint24(3000), wbtc));
        wbtc.setTolls(100, 0);
        uint256 net = gross - gross / 100;
        vm.expectRevert(abi.encodeWithSelector(Venue.OutputTooSmall.selector, net, gross));
        _swap(usdc, wbtc, 30_000e6, gross, abi.encodePacked(uint24(3000)));
    }

    function test_error_routeOfWrongLength() public {
        uint8[6] memory lengths = [0, 2, 4, 22, 23, 25];
        for (uint256 i; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Venue.WrongRouteLength.selector, lengths[i]));
            _swap(weth, usdc, 1e18, 0, new bytes(lengths[i]));
        }
    }

    function test_error_hopThroughATokenThatThePayerDoesNotHold() public {
        DevToken unknown = new DevToken("Unknown", "UNK", 18);
        _newPool(factory, weth, unknown, 500, 1_000e18, 1_000e18);
        vm.expectRevert(abi.encodeWithSelector(Venue.HopTokenNotHeld.selector, address(unknown)));
        _swap(weth, wbtc, 1e18, 0, abi.encodePacked(uint24(500), unknown, uint24(3000)));
    }

    function test_error_poolThatTheFactoryNeverDeployed() public {
        (address token0, address token1) =
            address(weth) < address(usdc) ? (address(weth), address(usdc)) : (address(usdc), address(weth));
        bytes32 salt = keccak256(abi.encode(token0, token1, uint24(100)));
        address pool =
            address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(factory), salt, V3_POOL_CODE_HASH)))));
        vm.expectRevert(abi.encodeWithSelector(Venue.PoolMissing.selector, pool));
        _swap(weth, usdc, 1e18, 0, abi.encodePacked(uint24(100)));
    }

    function test_error_poolThatRunsDry() public {
        IUniswapV3Pool pool = IUniswapV3Pool(factory.createPool(address(weth), address(usdc), 10_000));
        pool.initialize(1 << 96);
        pool.mint(address(this), -200, 200, 1e9, "");
        // Liquidity 1e9 from price 1 to the edge of the range takes L·(1.0001^100 − 1) = 10,049,662.1, and 1 % fee: / 0.99.
        bytes memory reason = abi.encodeWithSelector(
            UniswapV3Venue.PoolRanDry.selector, address(pool), uint256(10_151_175), uint256(1e12)
        );
        vm.expectRevert(reason);
        _swap(weth, usdc, 1e12, 0, abi.encodePacked(uint24(10_000)));
    }

    function test_error_amountThatWouldAskForAnExactOutput() public {
        uint256 amount = 1 << 255;
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintToInt.selector, amount));
        _swap(weth, usdc, amount, 0, _route());
    }

    function test_error_nobodyButThePoolUnderWayIsPaid() public {
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Venue.NotThePool.selector, address(this)));
        venue.uniswapV3SwapCallback(1, 0, "");
        // A real pool, but no swap is under way.
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Venue.NotThePool.selector, address(wethPool)));
        vm.prank(address(wethPool));
        venue.uniswapV3SwapCallback(1, 0, "");
    }

    function test_error_hostileTokenAsksToBePaidInTheMiddleOfASwap() public {
        weth.callDuringTransfer(address(venue), abi.encodeCall(venue.uniswapV3SwapCallback, (int256(1), int256(0), "")));
        _swap(weth, usdc, 50e18, 0, _route());
        vm.assertEq(weth.calls(), 1, "tried");
        vm.assertFalse(weth.hasSucceeded(), "refused");
        vm.assertEq(
            weth.answer(), abi.encodeWithSelector(UniswapV3Venue.NotThePool.selector, address(weth)), "for this reason"
        );
    }

    function test_error_hostileTokenSwapsInTheMiddleOfASwap() public {
        bytes memory call = abi.encodeCall(
            IVenue.swap, (address(weth), address(usdc), uint256(1e18), uint256(0), _route(), address(weth))
        );
        weth.callDuringTransfer(address(venue), call);
        uint256 received = _swap(weth, usdc, 50e18, 0, _route());
        vm.assertEq(weth.calls(), 1, "tried");
        vm.assertFalse(weth.hasSucceeded(), "refused");
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.assertEq(weth.answer(), reason, "for this reason");
        vm.assertEq(received, 99_850_199_725, "the swap went on");
    }

    function test_error_tokenWhoseTollThePoolDoesNotForgive() public {
        _swap(weth, wbtc, 50e18, 0, _routeOverBase());
        wbtc.mint(address(payer), 1e18);
        wbtc.setTolls(100, 0);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "IIA"));
        _swap(wbtc, usdc, 1e18, 0, abi.encodePacked(uint24(3000)));
    }
}
