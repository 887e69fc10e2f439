// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IUniswapV2Factory} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Factory.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {IVenue} from "../../sol/IVenue.sol";
import {DevToken} from "../../sol/dev/DevToken.sol";
import {UniswapV2Venue} from "../../sol/venues/UniswapV2Venue.sol";
import {Venue} from "../../sol/venues/Venue.sol";
import {CallingToken, TollToken} from "../tokens/HostileTokens.sol";
import {V2_PAIR_CODE_HASH, VenueFixture} from "./VenueFixture.sol";

/// @dev Over the real Uniswap v2 from the package's bytecode, which refuses an output of one unit more.
contract UniswapV2VenueTest is VenueFixture {
    IUniswapV2Factory private pairs;
    UniswapV2Venue private venue;
    IUniswapV2Pair private wethPair;
    DevToken private usdc;
    CallingToken private weth;
    TollToken private wbtc;

    function setUp() public override {
        super.setUp();
        (usdc, weth, wbtc) = (new DevToken("USD Coin", "USDC", 6), new CallingToken(), new TollToken(18));
        pairs = IUniswapV2Factory(_create("@uniswap/v2-core/build/UniswapV2Factory.json", abi.encode(address(0))));
        venue = new UniswapV2Venue(address(pairs), V2_PAIR_CODE_HASH);
        wethPair = _newPair(weth, usdc, 50_000e18, 100_000_000e6);
        _newPair(wbtc, usdc, 3_333e18, 99_990_000e6);
        payer.hold(address(usdc));
        weth.mint(address(payer), 1_000e18);
        usdc.mint(address(payer), 1_000_000e6);
        wbtc.mint(address(payer), 100e18);
    }

    function _newPair(DevToken a, DevToken b, uint256 amountA, uint256 amountB) private returns (IUniswapV2Pair pair) {
        pair = IUniswapV2Pair(pairs.createPair(address(a), address(b)));
        a.mint(address(pair), amountA);
        b.mint(address(pair), amountB);
        pair.mint(address(this));
    }

    function _swap(DevToken tokenIn, DevToken tokenOut, uint256 amountIn, uint256 min, bytes memory route)
        private
        returns (uint256)
    {
        return payer.swap(venue, address(tokenIn), address(tokenOut), amountIn, min, route, RECIPIENT);
    }

    /// UniswapV2Library.getAmountOut, as published.
    function _out(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        uint256 amountInWithFee = amountIn * 997;
        uint256 numerator = amountInWithFee * reserveOut;
        uint256 denominator = reserveIn * 1000 + amountInWithFee;
        return numerator / denominator;
    }

    function test_default_sellsToOnePair() public {
        uint256 received = _swap(weth, usdc, 50e18, 0, "");
        vm.snapshotGasLastCall("Venues", "v2: one pair, cold, with the payer's share");
        // 100,000,000 · 50 · 0.997 / (50,000 + 50 · 0.997) = 99,600.698…
        vm.assertEq(received, 99_600_698_103, "by the formula");
        vm.assertEq(received, _out(50e18, 50_000e18, 100_000_000e6), "as Uniswap's library");
        vm.assertEq(usdc.balanceOf(RECIPIENT), received, "arrived");
        vm.assertEq(weth.balanceOf(address(payer)), 950e18, "paid");
    }

    function test_default_goesThroughTwoPairs() public {
        uint256 received = _swap(weth, wbtc, 50e18, 0, abi.encodePacked(usdc));
        vm.snapshotGasLastCall("Venues", "v2: two pairs, cold, with the payer's share");
        uint256 between = _out(50e18, 50_000e18, 100_000_000e6);
        vm.assertEq(received, _out(between, 99_990_000e6, 3_333e18), "as Uniswap's library");
        vm.assertEq(wbtc.balanceOf(RECIPIENT), received, "arrived");
        vm.assertEq(payer.payments(), 1, "paid once");
    }

    function testFuzz_behaviour_takesExactlyTheInputAndGivesAllThatThePairAllows(uint256 amount, bool isSale) public {
        amount = isSale ? bound(amount, 1e12, 1_000e18) : bound(amount, 1e3, 1_000_000e6);
        (DevToken tokenIn, DevToken tokenOut) = isSale ? (DevToken(weth), usdc) : (usdc, DevToken(weth));
        (uint256 reserveIn, uint256 reserveOut) =
            isSale ? (uint256(50_000e18), uint256(100_000_000e6)) : (uint256(100_000_000e6), uint256(50_000e18));
        uint256 balance = tokenIn.balanceOf(address(payer));
        vm.assertEq(_swap(tokenIn, tokenOut, amount, 0, ""), _out(amount, reserveIn, reserveOut), "output");
        vm.assertEq(tokenIn.balanceOf(address(payer)), balance - amount, "input");
        vm.assertEq(tokenIn.balanceOf(address(venue)) + tokenOut.balanceOf(address(venue)), 0, "nothing stays");
    }

    function test_behaviour_sellsATokenWithATollByWhatThePairReceived() public {
        wbtc.setTolls(100, 0);
        uint256 received = _swap(wbtc, usdc, 1e18, 0, "");
        vm.assertEq(received, _out(0.99e18, 3_333e18, 99_990_000e6), "net of the toll");
        vm.assertEq(wbtc.balanceOf(address(payer)), 99e18, "paid exactly");
    }

    function test_error_outputIsMeasuredNetOfATokensToll() public {
        wbtc.setTolls(100, 0);
        uint256 gross = _out(30_000e6, 99_990_000e6, 3_333e18);
        vm.expectRevert(abi.encodeWithSelector(Venue.OutputTooSmall.selector, gross - gross / 100, gross));
        _swap(usdc, wbtc, 30_000e6, gross, "");
    }

    function test_error_receivesLessThanTheMinimum() public {
        vm.expectRevert(abi.encodeWithSelector(Venue.OutputTooSmall.selector, 99_600_698_103, 99_600_698_104));
        _swap(weth, usdc, 50e18, 99_600_698_104, "");
        _swap(weth, usdc, 50e18, 99_600_698_103, "");
    }

    function test_error_routeOfWrongLength() public {
        uint8[4] memory lengths = [1, 19, 21, 39];
        for (uint256 i; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Venue.WrongRouteLength.selector, lengths[i]));
            _swap(weth, usdc, 1e18, 0, new bytes(lengths[i]));
        }
    }

    function test_error_hopThroughATokenThatThePayerDoesNotHold() public {
        DevToken unknown = new DevToken("Unknown", "UNK", 18);
        _newPair(weth, unknown, 1_000e18, 1_000e18);
        _newPair(unknown, wbtc, 1_000e18, 1_000e18);
        vm.expectRevert(abi.encodeWithSelector(Venue.HopTokenNotHeld.selector, address(unknown)));
        _swap(weth, wbtc, 1e18, 0, abi.encodePacked(unknown));
    }

    function test_error_pairThatTheFactoryNeverDeployed() public {
        (DevToken token0, DevToken token1) =
            address(weth) < address(wbtc) ? (DevToken(weth), DevToken(wbtc)) : (DevToken(wbtc), DevToken(weth));
        bytes32 salt = keccak256(abi.encodePacked(token0, token1));
        address pair =
            address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(pairs), salt, V2_PAIR_CODE_HASH)))));
        vm.expectRevert(abi.encodeWithSelector(Venue.PoolMissing.selector, pair));
        _swap(weth, wbtc, 1e18, 0, "");
    }

    function test_error_pairWithoutReserves() public {
        pairs.createPair(address(weth), address(wbtc));
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"));
        _swap(weth, wbtc, 1e18, 0, "");
    }

    function test_error_hostileTokenSwapsInTheMiddleOfASwap() public {
        bytes memory call =
            abi.encodeCall(IVenue.swap, (address(weth), address(usdc), uint256(1e18), uint256(0), "", address(weth)));
        weth.callDuringTransfer(address(venue), call);
        uint256 received = _swap(weth, usdc, 50e18, 0, "");
        vm.assertFalse(weth.hasSucceeded(), "refused");
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.assertEq(weth.answer(), reason, "for this reason");
        vm.assertEq(received, 99_600_698_103, "the swap went on");
    }
}
