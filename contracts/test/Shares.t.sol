// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IVault} from "../sol/IVault.sol";
import {Settings} from "../sol/Types.sol";
import {Vault} from "../sol/Vault.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {TwapLib} from "../sol/lib/TwapLib.sol";
import {Fixture} from "./Fixture.sol";
import {TollToken} from "./tokens/HostileTokens.sol";

/// The properties of a16z/erc4626-tests, on a vault of several tokens with fees, after a donation of any size.
contract SharesTest is Fixture {
    address internal alice = address(0xa11ce);
    address internal bob = address(0xb0b);

    /// Brings the vault into some state: bob has shares, and somebody donates some of each token.
    function _state(uint256 seed) private {
        _give(bob, 1 + seed % 1e15);
        vm.prank(bob);
        try vault.deposit(1 + seed % 1e15, bob) {} catch {}
        usdc.mint(address(vault), (seed >> 64) % 1e12);
        weth.mint(address(vault), (seed >> 128) % 1e24);
        wbtc.mint(address(vault), (seed >> 192) % 1e14);
    }

    function _give(address who, uint256 amount) private {
        usdc.mint(who, amount);
        vm.prank(who);
        usdc.approve(address(vault), type(uint256).max);
    }

    // asset, totalAssets, convert

    function test_default_metadata() public view {
        vm.assertEq(vault.asset(), address(usdc), "asset");
        vm.assertEq(vault.decimals(), 12, "six of USDC and six of virtual shares");
        vm.assertEq(vault.nav(), 1_000_000e18, "all tokens at the feeds' prices");
        vm.assertEq(vault.totalAssets(), _atAverages(), "the lower value: a tick's rounding puts the averages below");
        vm.assertLt(vault.totalAssets(), 1_000_000e6, "below");
        vm.assertGt(vault.totalAssets(), 999_930e6, "by less than a tick of 700,000 dollars");
    }

    /// 200 ether, 10 bitcoin and 300,000 dollars, by the tokens' averages in the pools.
    function _atAverages() private view returns (uint256) {
        bool isToken0 = wethPool.token0() == address(weth);
        uint256 ether_ = TwapLib.priceWad(address(wethPool), isToken0, 18, 6, 30 minutes);
        isToken0 = wbtcPool.token0() == address(wbtc);
        uint256 bitcoin = TwapLib.priceWad(address(wbtcPool), isToken0, 8, 6, 30 minutes);
        return (300_000e18 + 200 * ether_ + 10 * bitcoin) / 1e12;
    }

    function testFuzz_property_convertIsTheSameForEveryCaller(uint256 seed, uint256 amount) public {
        _state(seed);
        amount = bound(amount, 0, 1e30);
        (uint256 shares, uint256 assets) = (vault.convertToShares(amount), vault.convertToAssets(amount));
        vm.prank(alice);
        vm.assertEq(vault.convertToShares(amount), shares, "shares");
        vm.prank(alice);
        vm.assertEq(vault.convertToAssets(amount), assets, "assets");
    }

    // preview = act, exactly, in the same block

    function testFuzz_property_deposit(uint256 seed, uint256 assets) public {
        _state(seed);
        assets = bound(assets, 1e6, 1e18);
        _give(alice, assets);
        uint256 preview = vault.previewDeposit(assets);
        vm.assertLe(preview, vault.convertToShares(assets), "no better than the plain conversion");
        (uint256 nav, uint256 supply) = (vault.totalAssets(), vault.totalSupply());
        vm.prank(alice);
        uint256 shares = vault.deposit(assets, bob);
        vm.assertEq(shares, preview, "as previewed");
        vm.assertEq(vault.totalSupply(), supply + shares, "minted");
        vm.assertEq(usdc.balanceOf(alice), 0, "paid");
        vm.assertGe(vault.totalAssets() * (supply + 1e6), nav * (supply + shares + 1e6), "no holder lost by it");
    }

    function testFuzz_property_mint(uint256 seed, uint256 shares) public {
        _state(seed);
        shares = bound(shares, 1, 1e24);
        uint256 preview = vault.previewMint(shares);
        vm.assertGe(preview, vault.convertToAssets(shares), "no better than the plain conversion");
        _give(alice, preview);
        vm.prank(alice);
        uint256 assets = vault.mint(shares, alice);
        vm.assertEq(assets, preview, "as previewed");
        vm.assertEq(vault.balanceOf(alice), shares, "minted");
        vm.assertEq(usdc.balanceOf(alice), 0, "paid");
    }

    function testFuzz_property_withdraw(uint256 seed, uint256 assets) public {
        _state(seed);
        // Most of the value is the donation's: USDC enough for the band.
        usdc.mint(address(vault), vault.totalAssets());
        assets = bound(assets, 0, vault.maxWithdraw(holder));
        uint256 preview = vault.previewWithdraw(assets);
        vm.assertGe(preview, vault.convertToShares(assets), "no better than the plain conversion");
        uint256 before = vault.balanceOf(holder);
        vm.prank(holder);
        uint256 shares = vault.withdraw(assets, alice, holder);
        vm.assertEq(shares, preview, "as previewed");
        vm.assertEq(vault.balanceOf(holder), before - shares, "burnt");
        vm.assertEq(usdc.balanceOf(alice), assets, "received");
    }

    function testFuzz_property_redeem(uint256 seed, uint256 shares) public {
        _state(seed);
        usdc.mint(address(vault), vault.totalAssets());
        shares = bound(shares, 0, vault.maxRedeem(holder));
        uint256 preview = vault.previewRedeem(shares);
        vm.assertLe(preview, vault.convertToAssets(shares), "no better than the plain conversion");
        vm.prank(holder);
        uint256 assets = vault.redeem(shares, alice, holder);
        vm.assertEq(assets, preview, "as previewed");
        vm.assertEq(usdc.balanceOf(alice), assets, "received");
    }

    // The limits are tight: they work, and one more does not

    function testFuzz_property_limitsAreTight(uint256 seed) public {
        _state(seed);
        uint256 max = vault.maxWithdraw(holder);
        if (max > 0) {
            vm.expectRevert(abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxWithdraw.selector, holder, max + 1, max));
            vm.prank(holder);
            vault.withdraw(max + 1, holder, holder);
        }
        uint256 maxShares = vault.maxRedeem(holder);
        vm.expectRevert(
            abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxRedeem.selector, holder, maxShares + 1, maxShares)
        );
        vm.prank(holder);
        vault.redeem(maxShares + 1, holder, holder);
        vm.prank(holder);
        vault.redeem(maxShares, holder, holder);
    }

    // Round trips never pay

    function testFuzz_property_roundTripsNeverPay(uint256 seed, uint256 assets) public {
        _state(seed);
        usdc.mint(address(vault), vault.totalAssets());
        assets = bound(assets, 1e6, 1e14);
        _give(alice, assets);
        vm.prank(alice);
        uint256 shares = vault.deposit(assets, alice);
        vm.assertLe(vault.previewRedeem(shares), assets, "deposit, redeem");
        vm.assertGe(vault.previewWithdraw(assets), shares, "deposit, withdraw");
        vm.assertLe(vault.previewRedeem(shares) * 1e6, assets * 999_000, "and the exit fee stays at least");
        shares = vault.previewWithdraw(assets);
        vm.assertGe(vault.previewMint(shares), assets, "withdraw, mint");
        vm.assertLe(vault.previewDeposit(assets), shares, "withdraw, deposit");
    }

    // Allowances

    function test_error_withoutAllowance() public {
        bytes memory reason = abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, alice, 0, 1e9);
        vm.expectRevert(reason);
        vm.prank(alice);
        vault.redeemInKind(1e9, alice, holder, 0);
        usdc.mint(address(vault), 1_000_000e6);
        vm.expectRevert(reason);
        vm.prank(alice);
        vault.redeem(1e9, alice, holder);
        reason = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientAllowance.selector, alice, 0, vault.previewWithdraw(1)
        );
        vm.expectRevert(reason);
        vm.prank(alice);
        vault.withdraw(1, alice, holder);
    }

    function test_behaviour_withAllowance() public {
        vm.prank(holder);
        vault.approve(alice, 2e12);
        vm.prank(alice);
        vault.redeemInKind(1e12, bob, holder, 0);
        vm.assertEq(vault.allowance(holder, alice), 1e12, "spent");
        vm.assertEq(usdc.balanceOf(bob), 1_003_009, "300,000 dollars over 299,100 shares, rounded down");
    }

    // Withdrawals keep the base asset's weight in its band

    function test_behaviour_withdrawalsStopAtTheBandsEdge() public {
        // 300,000 of a million are 30 %, and the band begins at 35 %.
        vm.assertEq(vault.maxWithdraw(holder), 0, "below already");
        vm.assertEq(vault.maxRedeem(holder), 0, "below already");
        usdc.mint(address(vault), 200_000e6);
        // (500,000 - 0.35 * 1,200,000) / 0.65 = 123,076.92: then 376,923.08 of 1,076,923.08 are 35 %.
        vm.assertEq(vault.maxWithdraw(holder), 123_076_923_075, "up to the edge, rounded for those who stay");
        vm.prank(holder);
        vault.withdraw(123_076_923_075, holder, holder);
        vm.assertGe(vault.weights()[0], 0.35e18, "inside");
        vm.assertLt(vault.weights()[0], 0.35e18 + 1e9, "and at its edge");
        vm.assertLe(vault.maxWithdraw(holder), 10, "no more");
    }

    // Fees are the holders'

    function test_default_feesAccrueToTheHolders() public {
        _give(alice, 1_000_000e6);
        uint256 before = vault.convertToAssets(299_100e12);
        vm.prank(alice);
        uint256 shares = vault.deposit(1_000_000e6, alice);
        // 0.3 % of a million stays, half of it hers: 997 of 1,997 parts of 1,999,977.76 at the averages are 998,486.6.
        vm.assertEq(vault.convertToAssets(shares) / 1e6, 998_486, "she lost 1,502 dollars, and 11 to the averages");
        // 1,000 of 1,997 parts are 1,001,491.1, and were 999,977.8: half of the fee, and the 11.
        vm.assertEq((vault.convertToAssets(299_100e12) - before) / 1e6, 1_513, "the others won them");
    }

    // An oracle that lags by less than the fees is no profit

    function testFuzz_behaviour_oracleLagDoesNotPay(uint256 lagPpm) public {
        lagPpm = bound(lagPpm, 0, 1_400);
        usdc.mint(address(vault), 1_000_000e6); // so that the way out in base is open
        _give(alice, 100_000e6);
        vm.prank(alice);
        uint256 shares = vault.deposit(100_000e6, alice);
        // Then the oracle catches up, and she leaves. Half of the vault's value has moved.
        wethFeed.set(int256(2_000e8 + 2_000e8 * lagPpm / 1e6), NOW);
        wbtcFeed.set(int256(30_000e8 + 30_000e8 * lagPpm / 1e6), NOW);
        vm.prank(alice);
        vault.redeem(shares, alice, alice);
        vm.assertLe(usdc.balanceOf(alice), 100_000e6, "nothing won");
    }

    // First depositor and donation: an attacker who rounds the victim's shares away pays a million times for it

    function _empty() private returns (Vault fresh) {
        fresh = new Vault(_setup());
    }

    function testFuzz_behaviour_firstDepositorsAttackDoesNotPay(uint256 own, uint256 donation, uint256 victims) public {
        own = bound(own, 2, 1_000e6);
        donation = bound(donation, 0, 1_000_000_000e6);
        victims = bound(victims, 1e6, 1_000_000e6);
        Vault fresh = _empty();
        usdc.mint(alice, own + donation);
        vm.prank(alice);
        usdc.approve(address(fresh), type(uint256).max);
        vm.prank(alice);
        fresh.deposit(own, alice);
        vm.prank(alice);
        usdc.transfer(address(fresh), donation);
        usdc.mint(bob, victims);
        vm.prank(bob);
        usdc.approve(address(fresh), type(uint256).max);
        vm.prank(bob);
        try fresh.deposit(victims, bob) {} catch {}
        // She leaves by the way that costs no fee.
        uint256 shares = fresh.balanceOf(alice);
        vm.prank(alice);
        fresh.redeemInKind(shares, alice, alice, 0);
        // Rounding can give her what the victim's last share is worth, and never what she lost to the virtual ones:
        // all she can win is a part of the victim's entry fee.
        vm.assertLe(usdc.balanceOf(alice), own + donation + victims * 3 / 1_000 + 1, "no profit beyond an entry fee");
    }

    function test_behaviour_firstDepositorsAttackInNumbers() public {
        // One dollar deposited, a million donated, a victim of a thousand dollars.
        Vault fresh = _empty();
        usdc.mint(alice, 1_000_001e6);
        vm.prank(alice);
        usdc.approve(address(fresh), type(uint256).max);
        vm.prank(alice);
        fresh.deposit(2, alice); // 0.000002 dollars, of which 0.000001 are the fee: a million shares
        vm.assertEq(fresh.balanceOf(alice), 1e6, "as many as the virtual ones");
        vm.prank(alice);
        usdc.transfer(address(fresh), 1_000_000e6);
        usdc.mint(bob, 1_000e6);
        vm.prank(bob);
        usdc.approve(address(fresh), type(uint256).max);
        vm.prank(bob);
        fresh.deposit(1_000e6, bob);
        vm.prank(alice);
        fresh.redeemInKind(1e6, alice, alice, 0);
        vm.assertLt(usdc.balanceOf(alice), 500_502e6, "half of the donation is lost");
        uint256 shares = fresh.balanceOf(bob);
        vm.prank(bob);
        fresh.redeemInKind(shares, bob, bob, 0);
        vm.assertGt(usdc.balanceOf(bob), 996e6, "the victim lost the entry fee and a share's rounding");
    }

    function test_error_depositTooSmall() public {
        _give(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IVault.DepositTooSmall.selector, 1));
        vm.prank(alice);
        vault.deposit(1, alice); // all of it is the fee, rounded up
    }

    function test_error_depositShort() public {
        // The base asset begins to take a fee: what arrives is less than what shares would be made for.
        TollToken(address(usdc)).setTolls(10, 0);
        _give(alice, 1_000e6);
        vm.expectRevert(abi.encodeWithSelector(IVault.DepositShort.selector, 1_000e6, 999e6));
        vm.prank(alice);
        vault.deposit(1_000e6, alice);
    }

    // In kind, in every state

    function test_default_redeemInKind() public {
        vm.prank(holder);
        uint256[] memory amounts = vault.redeemInKind(150_000e12, alice, holder, 0);
        // 150,000 of 299,100 shares, and of a millionth of a millionth of one more.
        vm.assertEq(usdc.balanceOf(alice), amounts[0], "USDC");
        vm.assertEq(amounts[0] / 1e6, uint256(300_000e6) * 150_000e12 / (299_100e12 + 1e6) / 1e6, "part of USDC");
        vm.assertEq(weth.balanceOf(alice), uint256(200e18) * 150_000e12 / (299_100e12 + 1e6), "part of ether");
        vm.assertEq(wbtc.balanceOf(alice), uint256(10e8) * 150_000e12 / (299_100e12 + 1e6), "part of bitcoin");
    }

    function test_behaviour_redeemInKindPausedAndWithoutPrices() public {
        vm.prank(guardian);
        vault.pause();
        wethFeed.set(-1, 0);
        usdcFeed.set(0, 0);
        wbtcFeed.setRound(0);
        vm.assertEq(vault.maxDeposit(alice) + vault.maxMint(alice), 0, "no deposits");
        vm.assertEq(vault.maxWithdraw(holder) + vault.maxRedeem(holder), 0, "no withdrawals in base");
        uint256 shares = vault.balanceOf(holder);
        vm.prank(holder);
        vault.redeemInKind(shares, holder, holder, 0);
        vm.assertGt(weth.balanceOf(holder), 199.99e18, "ether");
        vm.assertEq(vault.totalSupply(), 0, "all of it");
    }

    function test_behaviour_skippedTokensStayWithTheOthers() public {
        vm.prank(holder);
        uint256[] memory amounts = vault.redeemInKind(1e15, alice, holder, 5);
        vm.assertEq(amounts[0] + amounts[2], 0, "forfeited");
        vm.assertGt(weth.balanceOf(alice), 0, "ether");
        vm.assertEq(usdc.balanceOf(alice) + wbtc.balanceOf(alice), 0, "nothing else");
    }

    function test_error_skipMaskTooWide() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.SkipMaskTooWide.selector, 8, 3));
        vm.prank(holder);
        vault.redeemInKind(1, holder, holder, 8);
    }

    // Paused, or no price: no way in, and out in kind alone

    function test_error_pausedInBase() public {
        _give(alice, 1e6);
        vm.prank(guardian);
        vault.pause();
        bytes memory reason = abi.encodeWithSelector(IVault.VaultPaused.selector);
        vm.expectRevert(reason);
        vm.prank(alice);
        vault.deposit(1e6, alice);
        vm.expectRevert(reason);
        vm.prank(alice);
        vault.mint(1, alice);
        vm.expectRevert(reason);
        vm.prank(holder);
        vault.withdraw(1, holder, holder);
        vm.expectRevert(reason);
        vm.prank(holder);
        vault.redeem(1, holder, holder);
    }

    function test_error_depositWhileThePoolDisagrees() public {
        wethFeed.set(2_100e8, NOW);
        _give(alice, 1e6);
        vm.assertEq(vault.maxDeposit(alice), 0, "the limit says so");
        vm.expectPartialRevert(IVault.PriceDisagreement.selector);
        vm.prank(alice);
        vault.deposit(1e6, alice);
    }

    function _newDollar() internal override returns (DevToken) {
        return new TollToken(6);
    }
}
