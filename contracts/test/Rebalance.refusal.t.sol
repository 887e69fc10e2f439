// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttestationRequest} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {ISchemaResolver} from "@ethereum-attestation-service/eas-contracts/contracts/resolver/ISchemaResolver.sol";
import {IVault} from "../sol/IVault.sol";
import {Decision, Evidence, Settings, Trade} from "../sol/Types.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {CrookedVenue} from "./Fakes.sol";
import {Fixture} from "./Fixture.sol";

/// Whatever differs by a bit from what was decided and attested is refused, and nothing moves.
contract RebalanceRefusalTest is Fixture {
    Trade[] internal trades;
    Decision internal decision;
    Evidence internal evidence;

    function setUp() public override {
        super.setUp();
        trades.push(_trade(weth, usdc, 50e18));
        decision = _decide(trades);
        evidence = _attest(decision);
    }

    function _refuses(bytes memory reason) private {
        vm.expectRevert(reason);
        vault.rebalance(decision, trades, evidence);
    }

    /// Decides again for changed trades, so that only the trades themselves can be at fault.
    function _redecide() private {
        decision.tradesHash = keccak256(abi.encode(trades));
        evidence = _attest(decision);
    }

    function _notAttested(Decision memory attested) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            IVault.DecisionNotAttested.selector, keccak256(abi.encode(attested)), keccak256(abi.encode(decision))
        );
    }

    // The decision, field by field: changed after it was attested

    function test_error_chainIdChanged() public {
        decision.chainId = 1;
        _refuses(abi.encodeWithSelector(IVault.ForeignChain.selector, 1, block.chainid));
    }

    function test_error_vaultChanged() public {
        decision.vault = address(0xbad);
        _refuses(abi.encodeWithSelector(IVault.ForeignVault.selector, address(0xbad), address(vault)));
    }

    function test_error_sequenceChanged() public {
        decision.sequence = 2;
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 2, 1));
    }

    function test_error_actionChanged() public {
        decision.action = 0;
        _refuses(abi.encodeWithSelector(IVault.NotARebalance.selector, 0));
    }

    function test_error_reasonChanged() public {
        Decision memory attested = decision;
        decision.reason = 1;
        _refuses(_notAttested(attested));
    }

    function test_error_decidedAtChanged() public {
        Decision memory attested = decision;
        decision.decidedAt -= 1;
        _refuses(_notAttested(attested));
    }

    function test_error_expiresAtChanged() public {
        decision.expiresAt += 1;
        _refuses(abi.encodeWithSelector(IVault.WrongExpiration.selector, NOW + 30 minutes, NOW + 30 minutes + 1));
    }

    function test_error_inputRootChanged() public {
        Decision memory attested = decision;
        decision.inputRoot = keccak256("other");
        _refuses(_notAttested(attested));
    }

    function test_error_stateHashChanged() public {
        Decision memory attested = decision;
        decision.stateHash = keccak256("other");
        _refuses(_notAttested(attested));
    }

    function test_error_forecastHashChanged() public {
        Decision memory attested = decision;
        decision.forecastHash = keccak256("other");
        _refuses(_notAttested(attested));
    }

    function test_error_policyIdChanged() public {
        Decision memory attested = decision;
        decision.policyId = keccak256("other");
        _refuses(_notAttested(attested));
    }

    function test_error_breachPpmChanged() public {
        Decision memory attested = decision;
        decision.breachPpm += 1;
        _refuses(_notAttested(attested));
    }

    function test_error_tradesHashChanged() public {
        decision.tradesHash = keccak256("other");
        _refusesTrades();
    }

    // The decision: wrong, although attested as it is

    function test_error_attestedForAnotherChain() public {
        decision.chainId = 10;
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ForeignChain.selector, 10, block.chainid));
    }

    function test_error_chainForked() public {
        uint256 before = block.chainid;
        vm.chainId(10_001);
        _refuses(abi.encodeWithSelector(IVault.ForeignChain.selector, before, 10_001));
    }

    function test_error_attestedForAnotherVault() public {
        decision.vault = address(this);
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ForeignVault.selector, address(this), address(vault)));
    }

    function test_error_sequenceSkipped() public {
        decision.sequence = 3;
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 3, 1));
    }

    function test_error_hold() public {
        decision.action = 0;
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.NotARebalance.selector, 0));
    }

    function test_error_decidedInFuture() public {
        decision.decidedAt = uint64(NOW + 1);
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.DecidedInFuture.selector, NOW + 1, NOW));
    }

    function test_error_expired() public {
        vm.warp(NOW + 30 minutes + 1);
        _refuses(abi.encodeWithSelector(IVault.DecisionExpired.selector, NOW + 30 minutes, NOW + 30 minutes + 1));
    }

    // Again, or out of turn

    function test_error_replay() public {
        vault.rebalance(decision, trades, evidence);
        _pass(20 minutes);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 1, 2));
    }

    function test_error_replayUnderAnotherAttestation() public {
        vault.rebalance(decision, trades, evidence);
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 1, 2));
    }

    function test_error_timeTravel() public {
        vault.rebalance(decision, trades, evidence);
        _pass(2 hours);
        decision.sequence = 2;
        decision.expiresAt = uint64(block.timestamp + 1);
        decision.decidedAt = uint64(NOW);
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.OlderThanLastDecision.selector, NOW, NOW));
    }

    function test_error_coolingDown() public {
        vault.rebalance(decision, trades, evidence);
        _pass(1 hours - 1);
        decision = _decide(trades);
        evidence = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.CoolingDown.selector, NOW + 1 hours, NOW + 1 hours - 1));
    }

    function test_error_paused() public {
        vm.prank(owner);
        vault.pause();
        _refuses(abi.encodeWithSelector(IVault.VaultPaused.selector));
    }

    // On the edge

    function test_behaviour_asManyTradesAsAllowed() public {
        trades[0] = _trade(weth, usdc, 1e18);
        for (uint256 i = 1; i < 32; ++i) {
            trades.push(trades[0]);
        }
        _redecide();
        vault.rebalance(decision, trades, evidence);
        vm.assertEq(vault.state().balances[1], 168e18, "ether left");
    }

    // The attestation, field by field

    function test_error_uidUnknown() public {
        evidence.uid = bytes32(uint256(evidence.uid) ^ 1);
        _refuses(abi.encodeWithSelector(IVault.AttestationNotFound.selector, evidence.uid));
    }

    function test_error_uidOfAnotherDecision() public {
        Decision memory another = decision;
        another.breachPpm = 1;
        evidence = _attest(another);
        _refuses(_notAttested(another));
    }

    function test_error_schema() public {
        bytes32 schema = registry.register(DecisionLib.SCHEMA, ISchemaResolver(address(0)), false);
        AttestationRequest memory request = _request(decision);
        (request.schema, request.data.revocable) = (schema, false);
        vm.prank(attester);
        evidence.uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongSchema.selector, schema, DecisionLib.SCHEMA_UID));
    }

    function test_error_attesterUnknown() public {
        vm.prank(address(0xbad));
        evidence.uid = eas.attest(_request(decision));
        _refuses(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, address(0xbad)));
    }

    function test_error_recipient() public {
        AttestationRequest memory request = _request(decision);
        request.data.recipient = address(0xbad);
        vm.prank(attester);
        evidence.uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongRecipient.selector, address(0xbad), address(vault)));
    }

    function test_error_revoked() public {
        vm.warp(NOW + 5);
        _revoke(evidence.uid);
        _refuses(abi.encodeWithSelector(IVault.AttestationRevoked.selector, evidence.uid, NOW + 5));
    }

    function test_error_expirationTime() public {
        AttestationRequest memory request = _request(decision);
        request.data.expirationTime += 1;
        vm.prank(attester);
        evidence.uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongExpiration.selector, decision.expiresAt + 1, decision.expiresAt));
    }

    function test_error_expirationNever() public {
        AttestationRequest memory request = _request(decision);
        request.data.expirationTime = 0;
        vm.prank(attester);
        evidence.uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongExpiration.selector, 0, decision.expiresAt));
    }

    function test_error_attestedBeforeDecided() public {
        decision.decidedAt = uint64(NOW + 10);
        evidence = _attest(decision);
        vm.warp(NOW + 10);
        _refuses(abi.encodeWithSelector(IVault.AttestedBeforeDecision.selector, NOW, NOW + 10));
    }

    function test_error_dataShortened() public {
        _attestData(new bytes(0));
        _refuses(
            abi.encodeWithSelector(IVault.DecisionNotAttested.selector, keccak256(""), keccak256(abi.encode(decision)))
        );
    }

    function test_error_dataLengthened() public {
        bytes memory data = bytes.concat(abi.encode(decision), hex"00");
        _attestData(data);
        _refuses(
            abi.encodeWithSelector(
                IVault.DecisionNotAttested.selector, keccak256(data), keccak256(abi.encode(decision))
            )
        );
    }

    function testFuzz_error_dataBitFlipped(uint256 bit) public {
        bytes memory data = _flip(abi.encode(decision), bit);
        _attestData(data);
        _refuses(
            abi.encodeWithSelector(
                IVault.DecisionNotAttested.selector, keccak256(data), keccak256(abi.encode(decision))
            )
        );
    }

    function test_behaviour_irrevocableAttestationIsAccepted() public {
        AttestationRequest memory request = _request(decision);
        request.data.revocable = false;
        vm.prank(attester);
        evidence.uid = eas.attest(request);
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_modelIdChanged() public {
        decision.modelId = keccak256("other");
        _refuses(abi.encodeWithSelector(IVault.ModelNotActive.selector, decision.modelId));
    }

    function test_error_holdingChanged() public {
        Decision memory attested = decision;
        decision.holding += 1;
        _refuses(_notAttested(attested));
    }

    function test_error_tooOld() public {
        decision.expiresAt = uint64(NOW + 2 hours);
        evidence = _attest(decision);
        vm.warp(NOW + 1 hours + 1);
        _refuses(abi.encodeWithSelector(IVault.DecisionTooOld.selector, NOW, NOW + 1 hours + 1, 1 hours));
    }

    function test_behaviour_asOldAsAllowed() public {
        decision.expiresAt = uint64(NOW + 2 hours);
        evidence = _attest(decision);
        vm.warp(NOW + 1 hours);
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_attesterStruckOff() public {
        vm.prank(guardian);
        vault.strikeOff(attester);
        _refuses(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, attester));
    }

    function test_error_reference() public {
        AttestationRequest memory request = _request(decision);
        request.data.refUID = evidence.uid;
        vm.prank(attester);
        bytes32 uid = evidence.uid;
        evidence.uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongReference.selector, uid, 0));
    }

    // The attestation off chain: whatever differs is not the attester's signature

    function _refusesStranger() private {
        (bool isDone, bytes memory answer) =
            address(vault).call(abi.encodeCall(IVault.rebalance, (decision, trades, evidence)));
        vm.assertFalse(isDone, "refused");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(IVault.AttesterNotAllowed.selector), "signed by a stranger");
    }

    function test_error_offchainStranger() public {
        evidence = _sign(decision, 0xbad);
        _refuses(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, vm.addr(0xbad)));
    }

    function test_error_offchainFieldsChanged() public {
        evidence = _sign(decision);
        Decision memory signed = decision;
        decision.reason += 1;
        _refusesStranger();
        decision = signed;
        decision.expiresAt += 1;
        _refusesStranger();
        decision = signed;
        decision.inputRoot = 0;
        _refusesStranger();
        decision = signed;
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_offchainForAnotherRecipient() public {
        evidence.uid = 0;
        evidence.signature = _signature(ATTESTER_KEY, _offchainDigest(decision, address(0xbad), 0));
        _refusesStranger();
    }

    function test_error_offchainWithAnotherReference() public {
        evidence.uid = 0;
        evidence.signature = _signature(ATTESTER_KEY, _offchainDigest(decision, address(vault), keccak256("model")));
        _refusesStranger();
    }

    function test_error_offchainOnAForkOfTheChain() public {
        evidence = _sign(decision);
        vm.chainId(10_001);
        decision.chainId = 10_001;
        _refusesStranger();
    }

    function test_error_offchainSignatureLength() public {
        evidence.uid = 0;
        _refuses(abi.encodeWithSelector(IVault.WrongSignatureLength.selector, 0, 65));
        evidence.signature = new bytes(64);
        _refuses(abi.encodeWithSelector(IVault.WrongSignatureLength.selector, 64, 65));
    }

    function test_error_offchainNoSignature() public {
        evidence.uid = 0;
        evidence.signature = new bytes(65);
        _refuses(abi.encodeWithSelector(IVault.InvalidSignature.selector, 0));
    }

    function test_error_offchainTwinOfTheSignature() public {
        evidence.uid = 0;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ATTESTER_KEY, _offchainDigest(decision, address(vault), 0));
        // The order of secp256k1's group: (r, order - s) signs the same.
        bytes32 twin = bytes32(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141 - uint256(s));
        evidence.signature = abi.encodePacked(r, twin, v == 27 ? uint8(28) : uint8(27));
        _refuses(abi.encodeWithSelector(IVault.InvalidSignature.selector, 0));
    }

    function test_error_offchainRevoked() public {
        evidence = _sign(decision);
        bytes32 uid = _offchainUid(decision, 0);
        vm.prank(attester);
        eas.revokeOffchain(uid);
        _refuses(abi.encodeWithSelector(IVault.AttestationRevoked.selector, uid, NOW));
    }

    function test_behaviour_offchainRevocationByAStrangerIsNone() public {
        evidence = _sign(decision);
        eas.revokeOffchain(_offchainUid(decision, 0));
        vault.rebalance(decision, trades, evidence);
    }

    // The trades, field by field: changed after they were decided

    function _refusesTrades() private {
        _refuses(
            abi.encodeWithSelector(IVault.TradesNotDecided.selector, decision.tradesHash, keccak256(abi.encode(trades)))
        );
    }

    function test_error_tokenInChanged() public {
        trades[0].tokenIn = address(wbtc);
        _refusesTrades();
    }

    function test_error_tokenOutChanged() public {
        trades[0].tokenOut = address(wbtc);
        _refusesTrades();
    }

    function test_error_amountInChanged() public {
        trades[0].amountIn -= 1;
        _refusesTrades();
    }

    function test_error_minAmountOutChanged() public {
        trades[0].minAmountOut += 1;
        _refusesTrades();
    }

    function test_error_tradeAdded() public {
        trades.push(trades[0]);
        _refusesTrades();
    }

    function test_error_tradeMissing() public {
        trades.pop();
        _refusesTrades();
    }

    function test_error_tradesReordered() public {
        Trade[] memory both = _sellEtherBuyBitcoin();
        decision = _decide(both);
        evidence = _attest(decision);
        (trades[0]) = both[1];
        trades.push(both[0]);
        _refusesTrades();
    }

    // Everything at once: one bit anywhere in the arguments

    function testFuzz_error_anyBitOfTheArguments(uint256 bit) public {
        bytes memory arguments = _flip(abi.encode(decision, trades, evidence), bit);
        (bool isDone,) = address(vault).call(bytes.concat(IVault.rebalance.selector, arguments));
        if (isDone) {
            // A bit that nothing hangs on: padding, or evidence that a reactive rebalance needs not. It did the same.
            vm.assertEq(weth.balanceOf(address(vault)), 150e18, "the very same trade");
            vm.assertEq(vault.progress().sequence, 1, "once");
            return;
        }
        vm.assertEq(vault.progress().sequence, 0, "nothing was consumed");
        vm.assertEq(weth.balanceOf(address(vault)), 200e18, "nothing moved");
        vault.rebalance(decision, trades, evidence); // and the real one still works
    }

    // The trades: not allowed, although decided

    function test_error_noTrades() public {
        trades.pop();
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.WrongTradeCount.selector, 0, 32));
    }

    function test_error_tooManyTrades() public {
        for (uint256 i = 1; i < 33; ++i) {
            trades.push(trades[0]);
        }
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.WrongTradeCount.selector, 33, 32));
    }

    function test_error_tokenInNotHeld() public {
        trades[0].tokenIn = address(0xbad);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.TokenNotHeld.selector, 0, address(0xbad)));
    }

    function test_error_tokenOutNotHeld() public {
        trades[0].tokenOut = address(0xbad);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.TokenNotHeld.selector, 0, address(0xbad)));
    }

    function test_error_nothingToSell() public {
        trades[0].amountIn = 0;
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NothingToSell.selector, 0));
    }

    function test_error_minOutBelowOracle() public {
        trades[0].minAmountOut -= 1;
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.MinOutBelowOracle.selector, 0, 99_000e6 - 1, 99_000e6));
    }

    function test_error_secondTradeIsCheckedToo() public {
        trades.push(_trade(weth, usdc, 1e18));
        trades[1].minAmountOut -= 1;
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.MinOutBelowOracle.selector, 1, 1_980e6 - 1, 1_980e6));
    }

    function test_error_sameToken() public {
        trades[0].tokenOut = address(weth);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.SameToken.selector, 0, address(weth)));
    }

    function test_error_venueNotAllowed() public {
        trades[0].venue = address(0xbad);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.VenueNotAllowed.selector, 0, address(0xbad)));
    }

    function test_error_venueStruckOff() public {
        vm.prank(guardian);
        vault.strikeOff(address(venue));
        _refuses(abi.encodeWithSelector(IVault.VenueNotAllowed.selector, 0, address(venue)));
    }

    function test_error_routeChanged() public {
        trades[0].route = abi.encodePacked(BITCOIN_FEE);
        _refusesTrades();
    }

    function test_error_venueChanged() public {
        trades[0].venue = address(1);
        _refusesTrades();
    }

    function test_error_sellsWhatIsNotAboveTarget() public {
        trades[0] = _trade(wbtc, usdc, 1e8);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NotAboveTarget.selector, 0, address(wbtc), 0.3e18, 0.3e18));
    }

    function test_error_buysWhatIsNotBelowTarget() public {
        trades[0] = _trade(usdc, weth, 20_000e6);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NotBelowTarget.selector, 0, address(weth), 0.4e18, 0.3e18));
    }

    function test_error_buysWhatIsAtTargetForWhatIsAbove() public {
        trades[0].tokenOut = address(wbtc);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NotBelowTarget.selector, 0, address(wbtc), 0.3e18, 0.3e18));
    }

    function test_behaviour_crossesTheTargetWithinTheTolerance() public {
        // 52.5 ether are 105,000 dollars: from 40 % to 29.5 %, half a point below the target.
        trades[0] = _trade(weth, usdc, 52.5e18);
        _redecide();
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_crossesTheTarget() public {
        trades[0] = _trade(weth, usdc, 52.501e18);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.TargetCrossed.selector, address(weth), 0.4e18, 0.294998e18, 0.3e18));
    }

    function test_error_baseIsCarriedAcrossItsTarget() public {
        // USDC at its target while ether is far above and bitcoin far below: ether alone cannot be sold.
        usdc.mint(address(vault), 100_000e6);
        weth.mint(address(vault), 50e18);
        // 400,000 of USDC, 500,000 of ether, 300,000 of bitcoin; targets 480,000, 360,000, 360,000.
        trades[0] = _trade(weth, usdc, 50e18);
        _redecide();
        vm.expectPartialRevert(IVault.TargetCrossed.selector);
        vault.rebalance(decision, trades, evidence);
    }

    function test_behaviour_turnoverAtItsLimit() public {
        _set(SettingsKind.Turnover, 100_000);
        vault.rebalance(decision, trades, evidence); // 50 ether are exactly a tenth of the vault
        vm.assertEq(vault.progress().sequence, 1, "executed");
    }

    function test_error_turnoverTooHigh() public {
        _set(SettingsKind.Turnover, 99_999);
        _refuses(abi.encodeWithSelector(IVault.TurnoverTooHigh.selector, 100_000e18, 99_999e18));
    }

    function test_error_turnoverBudgetSpent() public {
        _set(SettingsKind.TurnoverBudget, 99_999);
        _refuses(abi.encodeWithSelector(IVault.TurnoverBudgetSpent.selector, 0.1e18, 0.099999e18));
    }

    function test_error_lossBudgetSpent() public {
        // The pool takes 0.05 % and moves by 0.2 %: about 150 dollars of 100,000, which is 150 ppm of the vault.
        _set(SettingsKind.LossBudget, 100);
        vm.expectPartialRevert(IVault.LossBudgetSpent.selector);
        vault.rebalance(decision, trades, evidence);
    }

    function test_behaviour_budgetsAreUsedAndRefillLinearly() public {
        vault.rebalance(decision, trades, evidence);
        vm.assertEq(vault.progress().turnoverUsed, 0.1e18, "a tenth was sold");
        uint256 lossUsed = vault.progress().lossUsed;
        vm.assertGt(lossUsed, 0.0001e18, "0.05 % fee and the pool's price of 100,000 dollars");
        vm.assertLt(lossUsed, 0.0003e18, "of the pool's 100 million");
        vm.assertEq(vault.state().turnoverLeft, 0.4e18, "of 0.5");
        vm.assertEq(vault.state().lossLeft, 0.002e18 - lossUsed, "of 0.002");
        _pass(2.4 hours); // a tenth of the window refills a tenth of the budget
        vm.assertEq(vault.state().turnoverLeft, 0.45e18, "of 0.5");
        _pass(1 days);
        vm.assertEq(vault.state().turnoverLeft, 0.5e18, "whole again, and no more");
        vm.assertEq(vault.state().lossLeft, 0.002e18, "whole again, and no more");
    }

    function test_error_forecastMissing() public {
        // 430, 400 and 360 thousand: 36, 34 and 30 %, every weight inside its band.
        usdc.mint(address(vault), 130_000e6);
        wbtc.mint(address(vault), 2e8);
        trades[0] = _trade(weth, usdc, 10e18);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.ForecastMissing.selector));
    }

    // Venues

    function _crook() private returns (CrookedVenue crook) {
        crook = new CrookedVenue();
        _change(abi.encodeCall(IVault.setVenue, (address(crook), true)));
        trades[0] = _trade(weth, usdc, 50e18);
        trades[0].venue = address(crook);
        decision = _decide(trades);
        evidence = _attest(decision);
    }

    function test_error_venueTakesMoreThanTheTrade() public {
        _crook().set(50e18 + 1, 100_000e6, address(0));
        _refuses(abi.encodeWithSelector(IVault.PaidTooMuch.selector, 50e18 + 1, 50e18));
    }

    function test_error_venueTakesAnotherToken() public {
        CrookedVenue crook = _crook();
        crook.set(1, 100_000e6, address(wbtc));
        _refuses(abi.encodeWithSelector(IVault.NotSwapping.selector, address(crook), address(wbtc)));
    }

    function test_error_venueGivesLessThanTheMinimum() public {
        _crook().set(50e18, 99_000e6 - 1, address(0));
        _refuses(abi.encodeWithSelector(IVault.ReceivedTooLittle.selector, 0, 99_000e6 - 1, 99_000e6));
    }

    function test_error_payOutsideASwap() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSwapping.selector, address(this), address(weth)));
        vault.pay(address(weth), address(this), 1);
        vm.prank(address(venue));
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSwapping.selector, address(venue), address(weth)));
        vault.pay(address(weth), address(this), 1);
    }

    function test_error_rebalancerOnItsOwn() public {
        decision.vault = address(rebalancer);
        vm.expectRevert(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, attester));
        vm.warp(NOW);
        IVault(address(rebalancer)).rebalance(decision, trades, evidence);
    }

    // Oracles

    function test_error_priceZero() public {
        wethFeed.set(0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceNotPositive.selector, address(wethFeed), 0));
    }

    function test_error_priceNegative() public {
        wbtcFeed.set(-1, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceNotPositive.selector, address(wbtcFeed), -1));
    }

    function test_error_priceTooOld() public {
        wethFeed.set(2_000e8, NOW - 2 hours - 1);
        _refuses(abi.encodeWithSelector(IVault.PriceTooOld.selector, address(wethFeed), NOW - 2 hours - 1, 2 hours));
    }

    function test_behaviour_priceAsOldAsAllowed() public {
        wethFeed.set(2_000e8, NOW - 2 hours);
        vault.rebalance(decision, trades, evidence);
    }

    function test_error_basePriceTooOld() public {
        usdcFeed.set(1e8, NOW - 1 days - 1);
        _refuses(abi.encodeWithSelector(IVault.PriceTooOld.selector, address(usdcFeed), NOW - 1 days - 1, 1 days));
    }

    function test_error_priceInFuture() public {
        wethFeed.set(2_000e8, NOW + 1);
        _refuses(abi.encodeWithSelector(IVault.PriceInFuture.selector, address(wethFeed), NOW + 1, NOW));
    }

    function test_error_priceRoundMissing() public {
        wethFeed.setRound(0);
        _refuses(abi.encodeWithSelector(IVault.PriceRoundMissing.selector, address(wethFeed)));
    }

    function test_error_stateWithoutAUsablePrice() public {
        wethFeed.set(0, NOW);
        vm.expectRevert(abi.encodeWithSelector(IVault.PriceNotPositive.selector, address(wethFeed), 0));
        vault.state();
    }

    function test_error_priceOutOfBounds() public {
        usdcFeed.set(0.5e8 - 1, NOW);
        _refuses(
            abi.encodeWithSelector(IVault.PriceOutOfBounds.selector, address(usdcFeed), 0.49999999e18, 0.5e18, 2e18)
        );
        usdcFeed.set(2e8 + 1, NOW);
        _refuses(
            abi.encodeWithSelector(IVault.PriceOutOfBounds.selector, address(usdcFeed), 2.00000001e18, 0.5e18, 2e18)
        );
    }

    function test_error_poolDisagrees() public {
        // 3 % of 2,060 are 61.8, and the pool's average is 2,000 to a hundredth of a percent.
        wethFeed.set(2_070e8, NOW);
        vm.expectPartialRevert(IVault.PriceDisagreement.selector);
        vault.rebalance(decision, trades, evidence);
        vm.assertFalse(vault.state().isTradingAllowed, "and the state says so");
        wethFeed.set(2_000e8, NOW);
        vm.assertTrue(vault.state().isTradingAllowed, "agrees again");
        vault.rebalance(decision, trades, evidence);
    }

    // Making things different

    enum SettingsKind {
        Turnover,
        TurnoverBudget,
        LossBudget
    }

    function _set(SettingsKind kind, uint32 ppm) private {
        Settings memory settings = _settings();
        if (kind == SettingsKind.Turnover) settings.maxTurnoverPpm = ppm;
        if (kind == SettingsKind.TurnoverBudget) settings.turnoverBudgetPpm = ppm;
        if (kind == SettingsKind.LossBudget) settings.lossBudgetPpm = ppm;
        _change(abi.encodeCall(IVault.setSettings, (settings)));
        decision = _decide(trades);
        evidence = _attest(decision);
    }

    function _attestData(bytes memory data) private {
        AttestationRequest memory request = _request(decision);
        request.data.data = data;
        vm.prank(attester);
        evidence.uid = eas.attest(request);
    }

    function _flip(bytes memory data, uint256 bit) private pure returns (bytes memory) {
        bit = bit % (data.length * 8);
        data[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        return data;
    }
}
