// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IUniswapV2Factory} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Factory.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {IVault} from "../../sol/IVault.sol";
import {Decision, Evidence, Trade} from "../../sol/Types.sol";
import {DevToken} from "../../sol/dev/DevToken.sol";
import {UniswapV2Venue} from "../../sol/venues/UniswapV2Venue.sol";
import {Venue} from "../../sol/venues/Venue.sol";
import {Fixture} from "../Fixture.sol";
import {V2_PAIR_CODE_HASH} from "./VenueFixture.sol";

/// The vault itself on the second venue: a trade names its venue, and two venues go into one rebalance.
contract VaultOnUniswapV2Test is Fixture {
    IUniswapV2Factory private pairs;
    UniswapV2Venue private second;

    function setUp() public override {
        super.setUp();
        pairs = IUniswapV2Factory(_deploy("@uniswap/v2-core/build/UniswapV2Factory", abi.encode(address(0))));
        second = new UniswapV2Venue(address(pairs), V2_PAIR_CODE_HASH);
        _change(abi.encodeCall(IVault.setVenue, (address(second), true)));
        // Takes bitcoin a little below its target, so that it may be bought.
        usdc.mint(address(vault), 20_000e6);
        _newPair(weth, usdc, 50_000e18, 100_000_000e6);
        _newPair(wbtc, usdc, 3_333e8, 99_990_000e6);
    }

    function _newPair(DevToken a, DevToken b, uint256 amountA, uint256 amountB) private {
        IUniswapV2Pair pair = IUniswapV2Pair(pairs.createPair(address(a), address(b)));
        a.mint(address(pair), amountA);
        b.mint(address(pair), amountB);
        pair.mint(address(this));
    }

    function _tradeOnV2(DevToken tokenIn, DevToken tokenOut, uint256 amountIn, bytes memory route)
        private
        view
        returns (Trade memory trade)
    {
        trade = _trade(tokenIn, tokenOut, amountIn);
        (trade.venue, trade.route) = (address(second), route);
    }

    function test_default_sellsOnV2AndBuysOnV3() public {
        Trade[] memory trades = new Trade[](2);
        trades[0] = _tradeOnV2(weth, usdc, 40e18, "");
        trades[1] = _trade(usdc, wbtc, 6_000e6);
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        uint256[] memory amountsOut = vault.rebalance(decision, trades, evidence);
        // 100,000,000 · 40 · 0.997 / (50,000 + 40 · 0.997).
        vm.assertEq(amountsOut[0], 79_696_434_124, "dollars");
        vm.assertEq(weth.balanceOf(address(vault)), 160e18, "ether left");
        vm.assertEq(usdc.balanceOf(address(vault)), 320_000e6 + 79_696_434_124 - 6_000e6, "dollars held");
        vm.assertEq(weth.allowance(address(vault), address(second)), 0, "no allowance");
    }

    function test_default_goesThroughTheBaseAsset() public {
        Trade[] memory trades = _trades(_tradeOnV2(weth, wbtc, 2e18, abi.encodePacked(usdc)));
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        uint256[] memory amountsOut = vault.rebalance(decision, trades, evidence);
        vm.assertEq(wbtc.balanceOf(address(vault)), 10e8 + amountsOut[0], "bought");
        vm.assertEq(usdc.balanceOf(address(vault)), 320_000e6, "the base asset passes by");
    }

    function test_error_hopThroughATokenThatTheVaultDoesNotHold() public {
        DevToken unknown = new DevToken("Unknown", "UNK", 18);
        _newPair(weth, unknown, 1_000e18, 1_000e18);
        _newPair(unknown, wbtc, 1_000e18, 66e8);
        Trade[] memory trades = _trades(_tradeOnV2(weth, wbtc, 2e18, abi.encodePacked(unknown)));
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        vm.expectRevert(abi.encodeWithSelector(Venue.HopTokenNotHeld.selector, address(unknown)));
        vault.rebalance(decision, trades, evidence);
    }
}
