// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "../sol/IVault.sol";
import {Decision, Trade} from "../sol/Types.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {Fixture} from "./Fixture.sol";

/// What anybody with enough money can do to a vault through its prices, its weights and its pools.
contract EconomyTest is Fixture {
    address private alice = address(0xa11ce);

    function _give(uint256 amount) private {
        usdc.mint(alice, amount);
        vm.prank(alice);
        usdc.approve(address(vault), amount);
    }

    // The market moves, and of feed and average one has seen it and the other has not

    /// Moves the market of ether and bitcoin to `ppm` of what it was.
    function _moveMarket(uint256 ppm, bool isFeedAhead) private {
        if (isFeedAhead) {
            wethFeed.set(int256(2_000 * 100 * ppm), block.timestamp);
            wbtcFeed.set(int256(30_000 * 100 * ppm), block.timestamp);
        } else {
            _movePool(wethPool, weth, ppm);
            _movePool(wbtcPool, wbtc, ppm);
            _pass(_settings().twapWindow);
        }
    }

    function _movePool(IUniswapV3Pool pool, DevToken token, uint256 ppm) private {
        (uint160 root,,,,,,) = pool.slot0();
        uint256 factor = Math.sqrt(ppm * 1e30);
        bool isToken0 = pool.token0() == address(token);
        uint256 target = isToken0 ? Math.mulDiv(root, factor, 1e18) : Math.mulDiv(root, 1e18, factor);
        if (target == root) return;
        pool.swap(address(this), target < root, 1e30, uint160(target), "");
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (amount0 > 0) DevToken(IUniswapV3Pool(msg.sender).token0()).mint(msg.sender, uint256(amount0));
        if (amount1 > 0) DevToken(IUniswapV3Pool(msg.sender).token1()).mint(msg.sender, uint256(amount1));
    }

    /// At the market's prices, dollars with 6 decimals.
    function _valueOf(address who, uint256 ppm) private view returns (uint256) {
        return usdc.balanceOf(who) + weth.balanceOf(who) * 2_000 * ppm / 1e18 + wbtc.balanceOf(who) * 30_000 * ppm / 1e8;
    }

    /// In one transaction, hence with as much money as anybody would lend.
    function testFuzz_behaviour_buyingSharesBeforeTheOtherPriceHasRisenDoesNotPay(
        uint256 riskPpm,
        uint256 assets,
        bool isFeedAhead
    ) public {
        riskPpm = bound(riskPpm, 0, 29_000);
        assets = bound(assets, 1_000e6, 100_000_000e6);
        _moveMarket(1e6 + riskPpm, isFeedAhead);
        _give(assets);
        vm.prank(alice);
        uint256 shares = vault.deposit(assets, alice);
        vm.prank(alice);
        vault.redeemInKind(shares, alice, alice, 0);
        vm.assertLe(_valueOf(alice, 1e6 + riskPpm), assets, "nothing won");
    }

    function testFuzz_behaviour_leavingInBaseBeforeTheOtherPriceHasFallenDoesNotPay(
        uint256 fallPpm,
        uint256 shares,
        bool isFeedAhead
    ) public {
        fallPpm = bound(fallPpm, 0, 28_000); // of the lower price 29,000
        usdc.mint(address(vault), 1_000_000e6); // so that the way out in base is open
        _moveMarket(1e6 - fallPpm, isFeedAhead);
        shares = bound(shares, 1e12, vault.maxRedeem(holder));
        uint256 start = vm.snapshotState();
        vm.prank(holder);
        vault.redeemInKind(shares, alice, holder, 0);
        uint256 inKind = _valueOf(alice, 1e6 - fallPpm);
        vm.revertToState(start);
        vm.prank(holder);
        vm.assertLe(vault.redeem(shares, alice, holder), inKind, "no more than the part of every token");
    }

    function test_behaviour_aLagThatFeedAndAverageShareCostsLessThanTheEntryFee() public {
        // 70 % of the vault 0.4 % up, unseen by both: 0.28 % of what is bought, for a fee of 0.3 %.
        _give(10_000_000e6);
        vm.prank(alice);
        uint256 shares = vault.deposit(10_000_000e6, alice);
        vm.prank(alice);
        vault.redeemInKind(shares, alice, alice, 0);
        vm.assertLe(_valueOf(alice, 1.004e6), 10_000_000e6, "nothing won");
        vm.assertGt(_valueOf(alice, 1.005e6), 10_000_000e6, "but 0.35 % would be: the rule of the entry fee is tight");
    }

    // Weights

    /// Absence: that a deposit moves the weights is the nature of weights. It costs f·D·V / (V + D).
    function test_behaviour_aDepositCanTakeAWeightOutOfItsBandForItsEntryFee() public {
        vm.prank(address(vault));
        weth.transfer(address(0xdead), 50e18);
        usdc.mint(address(vault), 100_000e6); // 400, 300 and 300 thousand dollars: on target
        Trade[] memory trades = _trades(_trade(usdc, weth, 10_000e6));
        Decision memory decision = _decide(trades);
        vm.expectRevert(abi.encodeWithSelector(IVault.ForecastMissing.selector));
        vault.rebalance(decision, trades, _sign(decision));
        _give(100_000e6);
        vm.prank(alice);
        uint256 shares = vault.deposit(100_000e6, alice);
        vault.rebalance(decision, trades, _sign(decision));
        vm.prank(alice);
        vault.redeemInKind(shares, alice, alice, 0);
        // 0.3 % of 100,000 dollars, of which her own shares get one eleventh back: 272.7; and her part of the trade's cost.
        uint256 cost = 100_000e6 - _valueOf(alice, 1e6);
        vm.assertGe(cost, 272e6, "entry fee");
        vm.assertLe(cost, 285e6, "and little else");
    }

    // Observations

    function _mintDust(uint256 blocks) private {
        int24 edge = 887_272 / wethPool.tickSpacing() * wethPool.tickSpacing();
        for (uint256 i; i < blocks; ++i) {
            _pass(12);
            wethPool.mint(address(this), -edge, edge, 1, "");
        }
    }

    function test_behaviour_observationsCanBePushedOutOfAPoolThatKeepsTooFew() public {
        _mintDust(64);
        vm.assertEq(vault.maxDeposit(alice) + vault.maxWithdraw(holder), 0, "no way in, none out in base");
        vm.assertFalse(vault.state().isTradingAllowed, "no trades");
        vm.prank(holder);
        vault.redeemInKind(1e12, holder, holder, 0);
        // Anybody can undo it: one observation for each block of the window, and one before.
        wethPool.increaseObservationCardinalityNext(30 minutes / 12 + 1);
        _mintDust(2 * (30 minutes / 12 + 1));
        vm.assertGt(vault.maxDeposit(alice), 0, "open again");
        vm.assertTrue(vault.state().isTradingAllowed, "for trades too");
    }
}
