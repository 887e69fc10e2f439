// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ISwapRouter} from "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {Decision, Limits, TokenConfig, Trade} from "../sol/IVault.sol";
import {Vault} from "../sol/Vault.sol";
import {Fixture} from "./Fixture.sol";
import {SetFeed} from "./Fakes.sol";

/// Pays the minimum and not a unit more: the worst venue a vault can meet.
contract StingyRouter {
    function exactInputSingle(ISwapRouter.ExactInputSingleParams calldata order) external returns (uint256) {
        DevToken(order.tokenIn).transferFrom(msg.sender, address(this), order.amountIn);
        DevToken(order.tokenOut).mint(order.recipient, order.amountOutMinimum);
        return order.amountOutMinimum;
    }
}

/// The minimum of each trade and the loss limit of the whole are two roundings of one rule: they must agree.
contract VaultRoundingTest is Fixture {
    struct Case {
        uint8 baseDecimals;
        uint8 decimals;
        uint8 feedDecimals;
        uint256 basePrice;
        uint256 price;
        uint256 baseBalance;
        uint256 balance;
        uint64 maxSlippage;
        uint256 sale;
        uint256 purchase;
    }

    function testFuzz_behaviour_tradesAtTheirMinimumNeverLoseTooMuch(Case memory c) public {
        _bound(c);
        _deploy(c);
        Trade[] memory trades = new Trade[](2);
        trades[0] = _trade(weth, usdc, bound(c.sale, 1, c.balance / 2));
        trades[1] = _trade(usdc, weth, bound(c.purchase, 1, c.baseBalance / 2));
        uint256 navBefore = vault.nav();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        if (_sold(c, trades) > navBefore) return; // more than the vault may turn over
        vault.rebalance(uid, decision, trades);
        uint256 maxLoss = _sold(c, trades) * c.maxSlippage / 1e18 + 1 + 2;
        vm.assertGe(vault.nav() + maxLoss, navBefore, "loss");
    }

    /// Against full-width arithmetic with the rounding as an argument.
    function testFuzz_behaviour_valuesAreRoundedAsSaid(Case memory c) public {
        _bound(c);
        _deploy(c);
        uint256 feedUnit = 10 ** c.feedDecimals;
        uint256 price = Math.mulDiv(
            Math.mulDiv(c.price, 1e18, feedUnit), 1e18, Math.mulDiv(c.basePrice, 1e18, feedUnit), Math.Rounding.Floor
        );
        vm.assertEq(vault.state().pricesWad[1], price, "price");
        uint256 baseValue = Math.mulDiv(c.baseBalance, 1e18, 10 ** c.baseDecimals, Math.Rounding.Floor);
        uint256 value = Math.mulDiv(c.balance, price, 10 ** c.decimals, Math.Rounding.Floor);
        vm.assertEq(vault.nav(), baseValue + value, "nav");
        if (baseValue + value > 0) {
            uint256 weight = Math.mulDiv(value, 1e18, baseValue + value, Math.Rounding.Floor);
            vm.assertEq(vault.weights()[1], weight, "weight");
        }
        uint256 sold = Math.mulDiv(c.balance, price, 10 ** c.decimals, Math.Rounding.Ceil);
        uint256 fair = Math.mulDiv(sold, 10 ** c.baseDecimals, 1e18, Math.Rounding.Ceil);
        uint256 floor = Math.mulDiv(fair, 1e18 - c.maxSlippage, 1e18, Math.Rounding.Ceil);
        vm.assertEq(vault.minOut(address(weth), address(usdc), c.balance), floor, "floor of a sale");
        uint256 spent = Math.mulDiv(c.baseBalance, 1e18, 10 ** c.baseDecimals, Math.Rounding.Ceil);
        fair = Math.mulDiv(spent, 10 ** c.decimals, price, Math.Rounding.Ceil);
        floor = Math.mulDiv(fair, 1e18 - c.maxSlippage, 1e18, Math.Rounding.Ceil);
        vm.assertEq(vault.minOut(address(usdc), address(weth), c.baseBalance), floor, "floor of a purchase");
    }

    function _bound(Case memory c) private pure {
        c.baseDecimals = uint8(bound(c.baseDecimals, 0, 18));
        c.decimals = uint8(bound(c.decimals, 0, 18));
        c.feedDecimals = uint8(bound(c.feedDecimals, 6, 18));
        c.maxSlippage = uint64(bound(c.maxSlippage, 0, 0.5e18));
        // Prices from 0.0001 to 100,000 and up to 10^12 units of each token, with all their digits at random.
        c.basePrice = bound(c.basePrice, 10 ** c.feedDecimals / 10_000, 10 ** c.feedDecimals * 100_000);
        c.price = bound(c.price, 10 ** c.feedDecimals / 10_000, 10 ** c.feedDecimals * 100_000);
        c.baseBalance = bound(c.baseBalance, 2, 10 ** (12 + uint256(c.baseDecimals)));
        c.balance = bound(c.balance, 2, 10 ** (12 + uint256(c.decimals)));
    }

    function _sold(Case memory c, Trade[] memory trades) private view returns (uint256) {
        uint256 price = vault.state().pricesWad[1];
        uint256 unit = 10 ** c.decimals;
        uint256 baseUnit = 10 ** c.baseDecimals;
        return (trades[0].amountIn * price + unit - 1) / unit + (trades[1].amountIn * 1e18 + baseUnit - 1) / baseUnit;
    }

    function _deploy(Case memory c) private {
        usdc = new DevToken("Base", "BASE", c.baseDecimals);
        weth = new DevToken("Other", "OTHER", c.decimals);
        usdcFeed = new SetFeed(c.feedDecimals, int256(c.basePrice));
        wethFeed = new SetFeed(c.feedDecimals, int256(c.price));
        TokenConfig[] memory configs = new TokenConfig[](2);
        configs[0] = TokenConfig(usdc, usdcFeed, 1 days, 0, 0.5e18, 1e18);
        configs[1] = TokenConfig(weth, wethFeed, 1 days, ETHER_FEE, 0.5e18, 1e18);
        ISwapRouter stingy = ISwapRouter(address(new StingyRouter()));
        vault = new Vault(owner, eas, stingy, configs, Limits(0, 1e18, c.maxSlippage));
        vm.prank(owner);
        vault.setAttester(attester, true);
        vm.prank(owner);
        vault.setModel(MODEL, true);
        usdc.mint(address(vault), c.baseBalance);
        weth.mint(address(vault), c.balance);
    }
}
