// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Rebalancer} from "../sol/Rebalancer.sol";
import {Decision, Evidence, Market, Setup, Trade} from "../sol/Types.sol";
import {IVault} from "../sol/IVault.sol";
import {Vault} from "../sol/Vault.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {BlocklistToken, TollToken} from "./tokens/HostileTokens.sol";
import {SilentToken} from "./tokens/SilentToken.sol";
import {Fixture} from "./Fixture.sol";

/// A token that takes a fee on transfer: no special case, the minimum and the loss limit hold net of it.
contract TollTokenTest is Fixture {
    function _newEther() internal override returns (DevToken) {
        return new TollToken(18);
    }

    function test_error_sellsWhatThePoolReceivesTooLittleOf() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 1e18));
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        TollToken(address(weth)).setTolls(1, 0);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "IIA"));
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_losesMoreThanAllowedToAFeeOnTheSender() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 10e18));
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        TollToken(address(weth)).setTolls(0, 500);
        // Sold 10 ether for x·y = k less 0.05 %, and 5 % of 10 ether on top: 1,000 dollars, where 200 may be lost.
        uint256 received = uint256(100_000_000e6) * 9.995e18 / (50_000e18 + 9.995e18);
        uint256 navAfter = 1_000_000e18 - 21_000e18 + received * 1e12;
        vm.expectRevert(abi.encodeWithSelector(IVault.LostTooMuch.selector, 1_000_000e18, navAfter, 200e18 + 3));
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_buysLessThanTheMinimumNetOfTheFee() public {
        vm.prank(address(vault));
        weth.transfer(address(0xdead), 120e18); // 80 ether are left, 21 % of the value
        Trade[] memory trades = _trades(_trade(usdc, weth, 2_000e6));
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        TollToken(address(weth)).setTolls(200, 0);
        (bool isDone,) = address(vault).call(abi.encodeCall(IVault.rebalance, (decision, trades, evidence)));
        vm.assertFalse(isDone, "2 % are more than the slippage allowed");
        TollToken(address(weth)).setTolls(50, 0);
        uint256 before = weth.balanceOf(address(vault));
        uint256 out = vault.rebalance(decision, trades, evidence)[0];
        vm.assertEq(weth.balanceOf(address(vault)), before + out, "half a percent is not; reported net of the fee");
    }
}

/// A token that refuses to be moved by somebody.
contract BlocklistTokenTest is Fixture {
    function _newEther() internal override returns (DevToken) {
        return DevToken(address(new BlocklistToken(18)));
    }

    function test_behaviour_aHolderLeavesWithoutTheTokenThatBlocksTheVault() public {
        BlocklistToken(address(weth)).setBlocked(address(vault), true);
        uint256 shares = vault.balanceOf(holder);
        vm.prank(holder);
        vm.expectPartialRevert(BlocklistToken.Blocked.selector);
        vault.redeemInKind(shares, holder, holder, 0);
        vm.prank(holder);
        vault.redeemInKind(shares, holder, holder, 2);
        vm.assertGt(wbtc.balanceOf(holder), 9.99e8, "but without");
    }
}

/// Shares and in-kind redemption with a base asset of any decimals, and another token of any other.
contract DecimalsTest is Fixture {
    function testFuzz_behaviour_anyDecimals(uint8 baseDecimals, uint8 otherDecimals, uint256 whole) public {
        baseDecimals = uint8(bound(baseDecimals, 0, 24));
        otherDecimals = uint8(bound(otherDecimals, 0, 24));
        whole = bound(whole, 1_000, 1_000_000_000);
        DevToken base = new DevToken("Base", "BASE", baseDecimals);
        DevToken other = new DevToken("Other", "OTHER", otherDecimals);
        Vault fresh = _vaultOf(address(base), address(other));

        uint256 assets = whole * 10 ** baseDecimals;
        base.mint(holder, assets);
        vm.prank(holder);
        base.approve(address(fresh), assets);
        vm.prank(holder);
        uint256 shares = fresh.deposit(assets, holder);
        // 0.3 % stays; of a base asset without decimals at least one whole token.
        vm.assertLe(shares, whole * 997 * 10 ** (uint256(baseDecimals) + 3), "no more than after the fee");
        vm.assertGe(shares, (whole - whole * 3 / 1_000 - 1) * 10 ** (uint256(baseDecimals) + 6), "no less");
        vm.assertEq(fresh.nav(), whole * 1e18, "value");
        // 2,000 base for one of the other.
        other.mint(address(fresh), 3 * 10 ** otherDecimals);
        vm.assertEq(fresh.nav(), (whole + 6_000) * 1e18, "value of both");
        vm.assertEq(fresh.totalAssets(), (whole + 6_000) * 10 ** baseDecimals, "in the base asset");

        vm.prank(holder);
        uint256[] memory amounts = fresh.redeemInKind(shares, holder, holder, 0);
        vm.assertLe(amounts[1], 3 * 10 ** otherDecimals, "no more than all");
        vm.assertGe(amounts[1] + 1 + 3 * 10 ** otherDecimals / 100, 3 * 10 ** otherDecimals, "nearly all");
    }

    function testFuzz_behaviour_previewsLimitsAndRoundTrips(
        uint8 baseDecimals,
        uint8 otherDecimals,
        uint256 donated,
        uint256 assets
    ) public {
        DevToken base = new DevToken("Base", "BASE", uint8(bound(baseDecimals, 0, 24)));
        DevToken other = new DevToken("Other", "OTHER", uint8(bound(otherDecimals, 0, 24)));
        Vault fresh = _vaultOf(address(base), address(other));
        uint256 whole = 10 ** base.decimals();
        other.mint(address(fresh), bound(donated, 0, 10 ** (uint256(other.decimals()) + 6)));
        base.mint(address(fresh), 1_000 * whole);
        assets = bound(assets, whole, 1_000_000_000 * whole);
        base.mint(holder, assets);
        vm.prank(holder);
        base.approve(address(fresh), assets);
        uint256 preview = fresh.previewDeposit(assets);
        if (preview == 0) return;
        vm.prank(holder);
        vm.assertEq(fresh.deposit(assets, holder), preview, "deposit as previewed");
        uint256 start = vm.snapshotState();
        uint256 max = fresh.maxWithdraw(holder);
        uint256 burnt = fresh.previewWithdraw(max);
        vm.assertLe(burnt, preview, "the most can be paid for");
        vm.prank(holder);
        vm.assertEq(fresh.withdraw(max, holder, holder), burnt, "withdraw as previewed");
        vm.revertToState(start);
        max = fresh.maxRedeem(holder);
        uint256 back = fresh.previewRedeem(max);
        vm.prank(holder);
        vm.assertEq(fresh.redeem(max, holder, holder), back, "redeem as previewed");
        vm.assertLe(back, assets, "no profit");
    }

    function test_behaviour_tokenWithoutReturnValues() public {
        SilentToken silent = new SilentToken(6);
        Vault fresh = _vaultOf(address(silent), address(weth));
        silent.mint(holder, 1_000e6);
        vm.prank(holder);
        silent.approve(address(fresh), 1_000e6);
        vm.prank(holder);
        uint256 shares = fresh.deposit(1_000e6, holder);
        vm.prank(holder);
        fresh.redeemInKind(shares, holder, holder, 0);
        vm.assertGe(silent.balanceOf(holder), 999_999_998, "there and back");
    }

    function _vaultOf(address base, address other) private returns (Vault) {
        Market memory market = _market();
        market.tokens[0].token = IERC20(base);
        market.tokens[1].token = IERC20(other);
        (market.tokens[1].pool, market.tokens[2].pool) = (address(0), address(0));
        Setup memory setup = _setup();
        setup.rebalancer = address(new Rebalancer(market));
        return new Vault(setup);
    }
}
