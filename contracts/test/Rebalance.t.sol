// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "../sol/IVault.sol";
import {IVaultPay, IVenue} from "../sol/IVenue.sol";
import {Decision, Evidence, Guard, Settings, Trade, VaultState} from "../sol/Types.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {UniswapV3Venue} from "../sol/venues/UniswapV3Venue.sol";
import {Fixture} from "./Fixture.sol";
import {CallingToken} from "./tokens/HostileTokens.sol";

/// What the vault does when all is in order, and what it costs.
contract RebalanceTest is Fixture {
    function _rebalance(Trade[] memory trades) private returns (uint256[] memory) {
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        return vault.rebalance(decision, trades, evidence);
    }

    function test_default_attestedOffChain() public {
        Trade[] memory trades = _sellEther();
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        uint256 before = usdc.balanceOf(address(vault));
        // x·y = k with 0.05 % off the input: 50 ether for about 99,850 dollars.
        uint256 out = uint256(100_000_000e6) * 49.975e18 / (50_000e18 + 49.975e18);
        uint256 navAfter = 1_000_000e18 - 100_000e18 + out * 1e12;
        vm.expectEmit(address(vault));
        emit IVault.Traded(1, address(weth), address(usdc), address(venue), 50e18, out);
        vm.expectEmit(address(vault));
        emit IVault.Rebalanced(
            1,
            _offchainUid(decision, 0),
            keccak256(abi.encode(decision)),
            attester,
            0,
            decision.policyId,
            2,
            1_000_000e18,
            navAfter,
            100_000e18
        );
        uint256[] memory amountsOut = vault.rebalance(decision, trades, evidence);
        vm.snapshotGasLastCall("Vault", "rebalance, two assets, off chain, reactive, the first ever");
        vm.assertEq(amountsOut[0], out, "returned");
        vm.assertEq(usdc.balanceOf(address(vault)), before + out, "received");
        vm.assertEq(weth.balanceOf(address(vault)), 150e18, "sold");
        vm.assertEq(vault.progress().sequence, 1, "sequence");
        vm.assertEq(vault.progress().lastDecidedAt, NOW, "decided");
        vm.assertEq(vault.progress().lastRebalanceAt, NOW, "rebalanced");
    }

    function test_default_attestedOnChain() public {
        _rebalanceOnce();
        Trade[] memory trades = _trades(_trade(weth, usdc, 49e18));
        Decision memory decision = _decide(trades);
        Evidence memory evidence = _attest(decision);
        vault.rebalance(decision, trades, evidence);
        vm.snapshotGasLastCall("Vault", "rebalance, two assets, on chain, reactive");
        vm.assertEq(weth.balanceOf(address(vault)), 150e18, "sold");
    }

    function test_behaviour_anybodyMayCarryOut() public {
        Trade[] memory trades = _sellEther();
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        vm.prank(address(0x57a16e4));
        vault.rebalance(decision, trades, evidence);
        vm.assertEq(vault.progress().sequence, 1, "sequence");
    }

    /// Absence: EAS keeps two lists, and the vault asks the one that the attestation is on.
    function test_behaviour_revokedOnChainItsOffChainFormIsStillGood() public {
        Trade[] memory trades = _sellEther();
        Decision memory decision = _decide(trades);
        Evidence memory onchain = _attest(decision);
        Evidence memory offchain = _sign(decision);
        _revoke(onchain.uid);
        vm.expectPartialRevert(IVault.AttestationRevoked.selector);
        vault.rebalance(decision, trades, onchain);
        vault.rebalance(decision, trades, offchain);
        vm.assertEq(vault.progress().sequence, 1, "sequence");
    }

    function test_behaviour_theNextDecisionTakesTheNextSequence() public {
        _rebalance(_trades(_trade(weth, usdc, 20e18)));
        _pass(1 hours);
        _rebalance(_trades(_trade(weth, usdc, 20e18)));
        vm.assertEq(vault.progress().sequence, 2, "sequence");
    }

    /// From one token to another through the base asset, or by a pool of their own: no difference to the vault.
    function test_behaviour_throughTheBaseAsset() public {
        _makeBitcoinScarce();
        Trade memory trade = Trade({
            venue: address(venue),
            tokenIn: address(weth),
            tokenOut: address(wbtc),
            amountIn: 10e18,
            minAmountOut: vault.minOut(address(weth), address(wbtc), 10e18),
            route: abi.encodePacked(ETHER_FEE, usdc, BITCOIN_FEE)
        });
        _rebalance(_trades(trade));
        vm.assertGt(wbtc.balanceOf(address(vault)), 8.6e8, "two thirds of a bitcoin, less both fees");
    }

    // Gas

    function _makeBitcoinScarce() private {
        vm.prank(address(vault));
        wbtc.transfer(address(0xdead), 2e8);
    }

    /// Not the first rebalance, whose first write to the vault's progress costs 17,100 more, once.
    function _rebalanceOnce() private {
        _rebalance(_trades(_trade(weth, usdc, 1e18)));
        _pass(1 days);
    }

    function test_gas_threeAssetsAgainstTheBareSwaps() public {
        _makeBitcoinScarce();
        _rebalanceOnce();
        Trade[] memory trades = _sellEtherBuyBitcoin();
        BareSwaps bare = new BareSwaps();
        weth.mint(address(bare), 100e18);
        usdc.mint(address(bare), 100_000e6);
        wbtc.mint(address(bare), 1e8);
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        uint256 start = vm.snapshotState();
        bare.swap(trades);
        uint256 swaps = vm.snapshotGasLastCall("Vault", "the bare swaps of it");
        vm.revertToState(start);
        vault.rebalance(decision, trades, evidence);
        uint256 whole = vm.snapshotGasLastCall("Vault", "rebalance, three assets, off chain, reactive");
        vm.snapshotValue("Vault", "overhead of it over the bare swaps", whole - swaps);
        vm.assertEq(vault.progress().sequence, 2, "both");
    }

    function test_gas_deposit() public {
        usdc.mint(holder, 1_000e6);
        vm.prank(holder);
        vault.deposit(500e6, holder);
        vm.snapshotGasLastCall("Vault", "deposit");
    }

    function test_gas_redeemInKind() public {
        vm.prank(holder);
        vault.redeemInKind(1e15, address(1), holder, 0);
        vm.snapshotGasLastCall("Vault", "redeemInKind, three tokens");
    }

    // Nothing but the trade: what the vault gives the pool gets, and the reverse.
    function testFuzz_behaviour_conservation(uint256 amount) public {
        amount = bound(amount, 1e12, 52e18);
        Trade[] memory trades = _trades(_trade(weth, usdc, amount));
        uint256[2] memory pool = [weth.balanceOf(address(wethPool)), usdc.balanceOf(address(wethPool))];
        uint256 navBefore = vault.nav();
        uint256 out = _rebalance(trades)[0];
        vm.assertEq(weth.balanceOf(address(vault)), 200e18 - amount, "vault gave amountIn");
        vm.assertEq(usdc.balanceOf(address(vault)), 300_000e6 + out, "vault got amountOut");
        vm.assertEq(weth.balanceOf(address(wethPool)), pool[0] + amount, "pool got amountIn");
        vm.assertEq(usdc.balanceOf(address(wethPool)), pool[1] - out, "pool gave amountOut");
        vm.assertGe(out, trades[0].minAmountOut, "minimum");
        vm.assertGe(vault.nav() + amount * 2_000 / 100 + 3, navBefore, "lost at most 1 % of what was sold");
        vm.assertEq(weth.allowance(address(vault), address(venue)), 0, "no allowance");
    }

    // Views

    function test_default_stateForAnAgent() public view {
        VaultState memory state = vault.state();
        vm.assertEq(state.sequence, 0, "sequence");
        vm.assertFalse(state.paused, "paused");
        vm.assertTrue(state.isTradingAllowed, "trading");
        vm.assertEq(state.tokens[2], address(wbtc), "WBTC");
        vm.assertEq(state.assetIds[1], "WETH", "assetId");
        vm.assertEq(state.decimals[2], 8, "decimals");
        vm.assertEq(state.balances[0], 300_000e6, "balance");
        vm.assertEq(state.pricesWad[2], 30_000e18, "price");
        vm.assertEq(state.targetWeights[0], 0.4e18, "target");
        vm.assertEq(state.bands[1], 0.05e18, "band");
        vm.assertEq(state.weights[1], 0.4e18, "weight");
        vm.assertEq(state.pools[1], address(wethPool), "pool");
        vm.assertEq(state.poolFees[0], 0, "USDC fee");
        vm.assertEq(state.poolFees[2], BITCOIN_FEE, "WBTC fee");
        vm.assertEq(state.nav, 1_000_000e18, "nav");
        vm.assertEq(state.totalSupply, vault.totalSupply(), "supply");
        vm.assertEq(state.turnoverLeft, 0.5e18, "turnover");
        vm.assertEq(state.lossLeft, 0.002e18, "loss");
        vm.assertEq(state.settings.cooldown, 1 hours, "settings");
    }

    function test_behaviour_depegOfTheBaseAssetRaisesTheOthersPrices() public {
        usdcFeed.set(0.8e8, NOW);
        VaultState memory state = vault.state();
        vm.assertEq(state.pricesWad[0], 1e18, "the base asset is the unit");
        vm.assertEq(state.pricesWad[1], 2_500e18, "2000 / 0.8");
        vm.assertFalse(state.isTradingAllowed, "and the pools do not agree");
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
        vm.assertEq(abi.encode(decision).length, 15 * 32, "static encoding");
        vm.assertEq(vault.decisionSchema(), registry.getSchema(vault.decisionSchema()).uid, "registered");
        vm.assertEq(bytes(registry.getSchema(vault.decisionSchema()).schema), bytes(DecisionLib.SCHEMA), "schema");
    }

    // The guards, before anything is sent

    function _binding(Guard[] memory guards) private pure returns (uint256 count, Guard memory last) {
        for (uint256 i; i < guards.length; ++i) {
            if (!guards[i].isBinding) continue;
            ++count;
            last = guards[i];
        }
    }

    function test_default_noGuardBinds() public view {
        Trade[] memory trades = _sellEther();
        (uint256 count, Guard memory last) = _binding(vault.guards(_decide(trades), trades));
        // Each trade is taken to receive its minimum: 1 % of a tenth of the vault is 0.1 % of it, half of the budget.
        vm.assertEq(count, 0, string(abi.encodePacked(last.name)));
    }

    function test_behaviour_theGuardThatBindsIsNamedWithItsValues() public {
        Trade[] memory trades = _sellEther();
        Decision memory decision = _decide(trades);
        decision.sequence = 7;
        _expectGuard(decision, trades, "WrongSequence", 1, 7);
        decision = _decide(trades);
        vm.warp(NOW + 1 hours + 1);
        decision.expiresAt += 2 hours;
        _expectGuard(decision, trades, "DecisionTooOld", 1 hours, 1 hours + 1);
        vm.warp(NOW);
        trades[0].minAmountOut -= 1;
        decision = _decide(trades);
        _expectGuard(decision, trades, "MinOutBelowOracle", 99_000e6, 99_000e6 - 1);
        trades = _trades(_trade(weth, usdc, 60e18));
        _expectGuard(_decide(trades), trades, "TargetCrossed", 0.005e18, 0.0188e18);
        trades[0].venue = address(1);
        trades[0].amountIn = 50e18;
        _expectGuard(_decide(trades), trades, "VenueNotAllowed", 1, 0);
        vm.prank(guardian);
        vault.pause();
        trades = _sellEther();
        _expectGuard(_decide(trades), trades, "VaultPaused", 0, 1);
    }

    function _expectGuard(Decision memory decision, Trade[] memory trades, bytes32 name, uint256 limit, uint256 value)
        private
        view
    {
        Guard[] memory guards = vault.guards(decision, trades);
        for (uint256 i; i < guards.length; ++i) {
            if (guards[i].name != name || !guards[i].isBinding) continue;
            vm.assertEq(guards[i].limit, limit, "limit");
            vm.assertEq(guards[i].value, value, "value");
            return;
        }
        revert("does not bind");
    }
}

/// The same swaps by the same venues, and nothing else.
contract BareSwaps is IVaultPay {
    function swap(Trade[] calldata trades) external {
        for (uint256 i; i < trades.length; ++i) {
            Trade calldata trade = trades[i];
            IVenue(trade.venue)
                .swap(trade.tokenIn, trade.tokenOut, trade.amountIn, trade.minAmountOut, trade.route, address(this));
        }
    }

    function pay(address token, address to, uint256 amount) external {
        DevToken(token).transfer(to, amount);
    }

    function isHeld(address) external pure returns (bool) {
        return true;
    }
}

/// A token that calls back into the vault while it is being traded.
contract ReentrancyTest is Fixture {
    function _newEther() internal override returns (DevToken) {
        return new CallingToken();
    }

    function _settings() internal pure override returns (Settings memory settings) {
        settings = super._settings();
        settings.cooldown = 0;
    }

    function test_error_reenters() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 1e18));
        Decision memory first = _decide(trades);
        first.decidedAt -= 1;
        // The next decision, good in every respect once the first has consumed its sequence.
        Decision memory second = _decide(trades);
        second.sequence = 2;
        bytes[11] memory calls = [
            abi.encodeCall(IVault.rebalance, (second, trades, _sign(second))),
            abi.encodeCall(IVault.redeemInKind, (0, address(1), address(weth), 0)),
            abi.encodeWithSignature("deposit(uint256,address)", 0, address(1)),
            abi.encodeWithSignature("mint(uint256,address)", 0, address(1)),
            abi.encodeWithSignature("withdraw(uint256,address,address)", 0, address(1), address(weth)),
            abi.encodeWithSignature("redeem(uint256,address,address)", 0, address(1), address(weth)),
            abi.encodeCall(IVault.nav, ()),
            abi.encodeCall(IVault.state, ()),
            abi.encodeCall(IVault.weights, ()),
            abi.encodeCall(IVault.guards, (second, trades)),
            abi.encodeWithSignature("convertToAssets(uint256)", 1e12)
        ];
        bytes memory guard = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        CallingToken token = CallingToken(address(weth));
        for (uint256 i; i < calls.length; ++i) {
            token.callDuringTransfer(address(vault), calls[i]);
            first.sequence = vault.progress().sequence + 1;
            vault.rebalance(first, trades, _sign(first));
            vm.assertEq(token.calls(), i + 1, "the token did call");
            vm.assertFalse(token.hasSucceeded(), "in vain");
            vm.assertEq(token.answer(), guard, "because of the guard");
            _pass(1);
            (first.decidedAt, second.decidedAt) = (uint64(block.timestamp), uint64(block.timestamp));
        }
    }

    /// The venue and the pool of the first trade have guards of their own; here the second goes round both.
    function test_error_reentersThroughAnotherVenue() public {
        UniswapV3Venue other = new UniswapV3Venue(address(factory), venue.poolCodeHash());
        _change(abi.encodeCall(IVault.setVenue, (address(other), true)));
        _newPool(weth, BITCOIN_FEE, 50_000e18, 100_000_000e6);
        Trade[] memory trades = _trades(_trade(weth, usdc, 1e18));
        Decision memory first = _decide(trades);
        first.decidedAt -= 1;
        Trade[] memory others = _trades(_trade(weth, usdc, 1e18));
        (others[0].venue, others[0].route) = (address(other), abi.encodePacked(BITCOIN_FEE));
        Decision memory second = _decide(others);
        second.sequence = 2;
        CallingToken token = CallingToken(address(weth));
        token.callDuringTransfer(address(vault), abi.encodeCall(IVault.rebalance, (second, others, _sign(second))));
        vault.rebalance(first, trades, _sign(first));
        vm.assertFalse(token.hasSucceeded(), "in vain");
        bytes memory guard = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.assertEq(token.answer(), guard, "because of the guard");
        // Afterwards it is good: nothing else was wrong with it.
        vault.rebalance(second, others, _sign(second));
    }
}
