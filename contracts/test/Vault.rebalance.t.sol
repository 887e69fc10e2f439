// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevToken} from "../sol/dev/DevToken.sol";
import {Decision, IVault, Trade, VaultState} from "../sol/IVault.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {Fixture} from "./Fixture.sol";

/// What an attested decision does, and what the vault says of itself.
contract VaultRebalanceTest is Fixture {
    // default

    function test_default_sellsWhatWasAttested() public {
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);

        uint256[] memory amountsOut = vault.rebalance(uid, decision, trades);
        vm.snapshotGasLastCall("Vault", "rebalance, one trade");

        vm.assertEq(weth.balanceOf(address(vault)), 150e18, "50 ether sold");
        vm.assertEq(usdc.balanceOf(address(vault)), 300_000e6 + amountsOut[0], "proceeds kept");
        // x·y = k with 0.05 % off the input: 100,000,000 − 50,000·100,000,000 / (50,000 + 50·0.9995) = 99,850.2 dollars.
        vm.assertEq(amountsOut[0] / 1e6, 99_850, "the pool's own price");
        vm.assertEq(weth.allowance(address(vault), address(router)), 0, "approval taken back");
        VaultState memory state = vault.state();
        vm.assertEq(state.sequence, 1, "sequence");
        vm.assertEq(state.lastDecidedAt, NOW, "lastDecidedAt");
        vm.assertEq(state.lastRebalanceAt, NOW, "lastRebalanceAt");
    }

    function test_default_buysWithTheProceeds() public {
        Trade[] memory trades = _sellEtherBuyBitcoin();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        uint256[] memory amountsOut = vault.rebalance(uid, decision, trades);
        vm.snapshotGasLastCall("Vault", "rebalance, two trades");
        vm.assertEq(usdc.balanceOf(address(vault)), 300_000e6 + amountsOut[0] - 30_000e6, "USDC");
        vm.assertEq(wbtc.balanceOf(address(vault)), 10e8 + amountsOut[1], "bitcoin");
    }

    function test_default_emitsDecisionThenTrade() public {
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vm.expectEmit(address(vault));
        emit IVault.Rebalanced(
            1, uid, keccak256(abi.encode(decision)), attester, MODEL, decision.policyId, 2, 1_000_000e18, 100_000e18
        );
        vm.expectEmit(address(vault));
        emit IVault.Traded(1, address(weth), address(usdc), ETHER_FEE, 50e18, 99_850_199_725);
        vault.rebalance(uid, decision, trades);
    }

    // behaviour

    function test_behaviour_anyoneMaySubmit() public {
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vm.prank(address(0xbeef));
        vault.rebalance(uid, decision, trades);
        vm.assertEq(vault.state().sequence, 1, "sequence");
    }

    function test_behaviour_lastSecondBeforeExpiry() public {
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vm.warp(decision.expiresAt);
        vault.rebalance(uid, decision, trades);
        vm.assertEq(vault.state().lastRebalanceAt, decision.expiresAt, "lastRebalanceAt");
    }

    function test_behaviour_unexecutedDecisionBlocksNothing() public {
        _decideAndAttest(_sellEther());
        _pass(40 minutes);
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vm.assertEq(decision.sequence, 1, "the same number again");
        vault.rebalance(uid, decision, trades);
    }

    function test_behaviour_afterTheCooldown() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 10e18));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vault.rebalance(uid, decision, trades);
        _pass(1 hours);
        (uid, decision) = _decideAndAttest(trades);
        vault.rebalance(uid, decision, trades);
        vm.assertEq(vault.state().sequence, 2, "sequence");
    }

    function test_behaviour_decisionWithoutForecastIsAModelOfItsOwn() public {
        vm.prank(owner);
        vault.setModel(0, true);
        Trade[] memory trades = _sellEther();
        Decision memory decision = _decide(trades);
        (decision.modelId, decision.forecastHash) = (0, 0);
        vault.rebalance(_attest(decision), decision, trades);
    }

    function test_behaviour_tradesToTheOtherEdgeOfTheBand() public {
        // 74 ether are 148,000 dollars: from 40 % to 25.2 %, just inside 30 % ± 5 %.
        Trade[] memory trades = _trades(_trade(weth, usdc, 74e18));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        vault.rebalance(uid, decision, trades);
        vm.assertEq(weth.balanceOf(address(vault)), 126e18, "ether");
    }

    function test_behaviour_poolThatRunsDryTakesLessAndLeavesNoApproval() public {
        // Liquidity within 1 % of the price alone, enough for some 30 ether, and priced far above the oracle.
        (, int24 tick,,,,,) = wethPool.slot0();
        uint128 liquidity = wethPool.liquidity();
        wethPool.burn(-887_270, 887_270, liquidity);
        wethPool.mint(address(this), (tick / 10 - 10) * 10, (tick / 10 + 10) * 10, liquidity / 8, "");
        wethFeed.set(900e8, NOW);
        uint64[] memory targets = vault.state().targetWeights;
        (targets[0], targets[1]) = (0.6e18, 0.1e18);
        uint64[] memory bands = vault.state().bands;
        vm.prank(owner);
        vault.setTargets(targets, bands);
        Trade[] memory trades = _sellEther();
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);

        uint256[] memory amountsOut = vault.rebalance(uid, decision, trades);

        vm.assertGe(amountsOut[0], trades[0].minAmountOut, "minimum for all of it");
        vm.assertGt(weth.balanceOf(address(vault)), 150e18, "the rest stayed");
        vm.assertEq(weth.allowance(address(vault), address(router)), 0, "approval taken back");
    }

    // Nothing but the trade: what the vault gives the pool gets, and the reverse.
    function testFuzz_behaviour_conservation(uint256 amount, bool isSale) public {
        amount = isSale ? bound(amount, 1e12, 75e18) : bound(amount, 1e6, 49_000e6);
        Trade[] memory trades = _trades(isSale ? _trade(weth, usdc, amount) : _trade(usdc, wbtc, amount));
        address pool = address(isSale ? wethPool : wbtcPool);
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        uint256[4] memory before = _balances(trades[0], pool);
        uint256 navBefore = vault.nav();

        uint256 out = vault.rebalance(uid, decision, trades)[0];

        uint256[4] memory afterwards = _balances(trades[0], pool);
        vm.assertEq(afterwards[0], before[0] - amount, "vault gave amountIn");
        vm.assertEq(afterwards[1], before[1] + out, "vault got amountOut");
        vm.assertEq(afterwards[2], before[2] + amount, "pool got amountIn");
        vm.assertEq(afterwards[3], before[3] - out, "pool gave amountOut");
        vm.assertGe(out, trades[0].minAmountOut, "minimum");
        uint256 sold = isSale ? amount * 2_000 : amount * 1e12;
        vm.assertGe(vault.nav() + sold / 100 + 3, navBefore, "lost at most 1 % of what was sold");
    }

    function _balances(Trade memory trade, address pool) private view returns (uint256[4] memory) {
        (DevToken tokenIn, DevToken tokenOut) = (DevToken(trade.tokenIn), DevToken(trade.tokenOut));
        return [
            tokenIn.balanceOf(address(vault)),
            tokenOut.balanceOf(address(vault)),
            tokenIn.balanceOf(pool),
            tokenOut.balanceOf(pool)
        ];
    }

    // Views

    function test_default_stateForAnAgent() public view {
        VaultState memory state = vault.state();
        vm.assertEq(state.sequence, 0, "sequence");
        vm.assertFalse(state.paused, "paused");
        vm.assertEq(state.lastRebalanceAt, 0, "lastRebalanceAt");
        vm.assertEq(state.lastDecidedAt, 0, "lastDecidedAt");
        vm.assertEq(state.cooldown, 1 hours, "cooldown");
        vm.assertEq(state.maxTurnover, 0.25e18, "maxTurnover");
        vm.assertEq(state.maxSlippage, 0.01e18, "maxSlippage");
        vm.assertEq(state.tokens.length, 3, "tokens");
        vm.assertEq(state.tokens[0], address(usdc), "USDC");
        vm.assertEq(state.tokens[2], address(wbtc), "WBTC");
        vm.assertEq(state.decimals[0], 6, "USDC decimals");
        vm.assertEq(state.decimals[2], 8, "WBTC decimals");
        vm.assertEq(state.balances[0], 300_000e6, "USDC balance");
        vm.assertEq(state.balances[1], 200e18, "WETH balance");
        vm.assertEq(state.pricesWad[0], 1e18, "USDC price");
        vm.assertEq(state.pricesWad[1], 2_000e18, "WETH price");
        vm.assertEq(state.pricesWad[2], 30_000e18, "WBTC price");
        vm.assertEq(state.targetWeights[0], 0.4e18, "USDC target");
        vm.assertEq(state.bands[1], 0.05e18, "WETH band");
        vm.assertEq(state.poolFees[0], 0, "USDC fee");
        vm.assertEq(state.poolFees[2], BITCOIN_FEE, "WBTC fee");
    }

    function test_default_weightsAndNav() public view {
        uint256[] memory weights = vault.weights();
        vm.assertEq(vault.nav(), 1_000_000e18, "nav");
        vm.assertEq(weights[0], 0.3e18, "USDC");
        vm.assertEq(weights[1], 0.4e18, "WETH");
        vm.assertEq(weights[2], 0.3e18, "WBTC");
    }

    function test_behaviour_depegOfTheBaseAssetRaisesTheOthersPrices() public {
        usdcFeed.set(0.8e8, NOW);
        VaultState memory state = vault.state();
        vm.assertEq(state.pricesWad[0], 1e18, "the base asset is the unit");
        vm.assertEq(state.pricesWad[1], 2_500e18, "2000 / 0.8");
    }

    function test_behaviour_emptyVaultHasNoWeights() public {
        _withdrawAll();
        uint256[] memory weights = vault.weights();
        vm.assertEq(weights[0] + weights[1] + weights[2], 0, "weights");
        vm.assertEq(vault.nav(), 0, "nav");
    }

    function test_default_minOutIsTheOraclePriceLessSlippageRoundedUp() public view {
        vm.assertEq(vault.minOut(address(weth), address(usdc), 1e18), 1_980e6, "2000 less 1 %");
        // 1 wei of ether is worth 2e-15 dollars: its fair price in USDC rounds up to 1.
        vm.assertEq(vault.minOut(address(weth), address(usdc), 1), 1, "never nothing");
        // 1000 USDC buy 0.03333334 bitcoin (rounded up), less 1 % 0.0330000066, rounded up.
        vm.assertEq(vault.minOut(address(usdc), address(wbtc), 1_000e6), 3_300_001, "rounded up twice");
    }

    function test_default_decisionHashAndSchema() public view {
        Decision memory decision = _decide(_sellEther());
        vm.assertEq(vault.hashDecision(decision), keccak256(abi.encode(decision)), "hash");
        vm.assertEq(abi.encode(decision).length, 14 * 32, "static encoding");
        vm.assertEq(vault.decisionSchema(), registry.getSchema(vault.decisionSchema()).uid, "registered");
        vm.assertEq(bytes(registry.getSchema(vault.decisionSchema()).schema), bytes(DecisionLib.SCHEMA), "schema");
    }

    function _withdrawAll() private {
        DevToken[3] memory tokens = [usdc, weth, wbtc];
        for (uint256 i; i < 3; ++i) {
            uint256 balance = tokens[i].balanceOf(address(vault));
            vm.prank(owner);
            vault.withdraw(tokens[i], balance);
        }
    }
}
