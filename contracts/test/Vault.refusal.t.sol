// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttestationRequest} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {ISchemaResolver} from "@ethereum-attestation-service/eas-contracts/contracts/resolver/ISchemaResolver.sol";
import {Decision, IVault, Limits, TokenConfig, Trade} from "../sol/IVault.sol";
import {Vault} from "../sol/Vault.sol";
import {DecisionLib} from "../sol/lib/DecisionLib.sol";
import {SetFeed} from "./Fakes.sol";
import {Fixture} from "./Fixture.sol";

/// Whatever differs by a bit from what was decided and attested is refused, and nothing moves.
contract VaultRefusalTest is Fixture {
    Trade[] internal trades;
    Decision internal decision;
    bytes32 internal uid;

    function setUp() public override {
        super.setUp();
        trades.push(_trade(weth, usdc, 50e18));
        (uid, decision) = _decideAndAttest(trades);
    }

    function _refuses(bytes memory reason) private {
        vm.expectRevert(reason);
        vault.rebalance(uid, decision, trades);
    }

    /// Decides again for changed trades, so that only the trades themselves can be at fault.
    function _redecide() private {
        decision.tradesHash = keccak256(abi.encode(trades));
        uid = _attest(decision);
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

    function test_error_modelIdChanged() public {
        Decision memory attested = decision;
        decision.modelId = keccak256("other");
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
        Decision memory attested = decision;
        decision.tradesHash = keccak256("other");
        _refuses(_notAttested(attested));
    }

    // The decision: wrong, although attested as it is

    function test_error_attestedForAnotherChain() public {
        decision.chainId = 10;
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ForeignChain.selector, 10, block.chainid));
    }

    function test_error_chainForked() public {
        uint256 before = block.chainid;
        vm.chainId(10_001);
        _refuses(abi.encodeWithSelector(IVault.ForeignChain.selector, before, 10_001));
    }

    function test_error_attestedForAnotherVault() public {
        decision.vault = address(this);
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ForeignVault.selector, address(this), address(vault)));
    }

    function test_error_sequenceSkipped() public {
        decision.sequence = 3;
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 3, 1));
    }

    function test_error_hold() public {
        decision.action = 0;
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.NotARebalance.selector, 0));
    }

    function test_error_decidedInFuture() public {
        decision.decidedAt = uint64(NOW + 1);
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.DecidedInFuture.selector, NOW + 1, NOW));
    }

    function test_error_expired() public {
        vm.warp(NOW + 30 minutes + 1);
        _refuses(abi.encodeWithSelector(IVault.DecisionExpired.selector, NOW + 30 minutes, NOW + 30 minutes + 1));
    }

    function test_error_modelNotAllowed() public {
        decision.modelId = keccak256("another model");
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ModelNotAllowed.selector, decision.modelId));
    }

    function test_error_noForecastIsNotAllowedUnlessSaid() public {
        decision.modelId = 0;
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.ModelNotAllowed.selector, 0));
    }

    // Again, or out of turn

    function test_error_replay() public {
        vault.rebalance(uid, decision, trades);
        _pass(20 minutes);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 1, 2));
    }

    function test_error_replayUnderAnotherAttestation() public {
        vault.rebalance(uid, decision, trades);
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.WrongSequence.selector, 1, 2));
    }

    function test_error_timeTravel() public {
        vault.rebalance(uid, decision, trades);
        _pass(2 hours);
        decision.sequence = 2;
        decision.expiresAt = uint64(block.timestamp + 1);
        decision.decidedAt = uint64(NOW);
        uid = _attest(decision);
        _refuses(abi.encodeWithSelector(IVault.OlderThanLastDecision.selector, NOW, NOW));
    }

    function test_error_coolingDown() public {
        vault.rebalance(uid, decision, trades);
        _pass(1 hours - 1);
        (uid, decision) = _decideAndAttest(trades);
        _refuses(abi.encodeWithSelector(IVault.CoolingDown.selector, NOW + 1 hours, NOW + 1 hours - 1));
    }

    function test_error_paused() public {
        vm.prank(owner);
        vault.pause();
        _refuses(abi.encodeWithSelector(IVault.VaultPaused.selector));
    }

    function test_error_priceLostInRounding() public {
        // 1e-8 dollars a piece and a base asset of 100,000: 1e-13, five digits of a WAD; of 1e18 dollars: none.
        wethFeed.set(1, NOW);
        usdcFeed.set(100_000e8, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceTooSmall.selector, address(wethFeed), 1e5, 1e6));
        usdcFeed.set(1e26, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceTooSmall.selector, address(wethFeed), 0, 1e6));
    }

    function test_behaviour_smallestPrice() public {
        wethFeed.set(1, NOW);
        usdcFeed.set(10_000e8, NOW);
        vm.assertEq(vault.state().pricesWad[1], 1e6, "price");
    }

    function test_error_basePriceLostInRounding() public {
        SetFeed fine = new SetFeed(36, 1e24);
        TokenConfig[] memory configs = _configs();
        configs[0].feed = fine;
        Vault other = new Vault(owner, eas, router, configs, _limits());
        vm.assertEq(other.state().pricesWad[1], 2_000e30, "price");
        fine.set(1e24 - 1, NOW);
        vm.expectRevert(abi.encodeWithSelector(IVault.PriceTooSmall.selector, address(fine), 1e6 - 1, 1e6));
        other.state();
    }

    // On the edge

    function test_behaviour_bandsEdgeIsInside() public {
        // 125 ether of 2,000 dollars are left: 25 % of a million, and the band ends at 30 % - 5 %.
        trades[0] = _trade(weth, usdc, 75e18);
        _redecide();
        vault.rebalance(uid, decision, trades);
        vm.assertEq(vault.state().balances[1], 125e18, "ether left");
    }

    function test_behaviour_turnoverAtItsLimit() public {
        vm.prank(owner);
        vault.setLimits(Limits(1 hours, 0.1e18, 0.01e18));
        vault.rebalance(uid, decision, trades); // 50 ether are exactly a tenth of the vault
        vm.assertEq(vault.state().sequence, 1, "executed");
    }

    function test_behaviour_asManyTradesAsAllowed() public {
        trades[0] = _trade(weth, usdc, 1e18);
        for (uint256 i = 1; i < vault.MAX_TRADES(); ++i) {
            trades.push(trades[0]);
        }
        _redecide();
        vault.rebalance(uid, decision, trades);
        vm.assertEq(vault.state().balances[1], 168e18, "ether left");
    }

    // The attestation, field by field

    function test_error_uidUnknown() public {
        uid = bytes32(uint256(uid) ^ 1);
        _refuses(abi.encodeWithSelector(IVault.AttestationNotFound.selector, uid));
    }

    function test_error_uidZero() public {
        uid = 0;
        _refuses(abi.encodeWithSelector(IVault.AttestationNotFound.selector, 0));
    }

    function test_error_uidOfAnotherDecision() public {
        Decision memory another = decision;
        another.breachPpm = 1;
        uid = _attest(another);
        _refuses(_notAttested(another));
    }

    function test_error_schema() public {
        bytes32 schema = registry.register(DecisionLib.SCHEMA, ISchemaResolver(address(0)), false);
        AttestationRequest memory request = _request(decision);
        (request.schema, request.data.revocable) = (schema, false);
        vm.prank(attester);
        uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongSchema.selector, schema, DecisionLib.SCHEMA_UID));
    }

    function test_error_attesterUnknown() public {
        vm.prank(address(0xbad));
        uid = eas.attest(_request(decision));
        _refuses(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, address(0xbad)));
    }

    function test_error_attesterStruckOff() public {
        vm.prank(owner);
        vault.setAttester(attester, false);
        _refuses(abi.encodeWithSelector(IVault.AttesterNotAllowed.selector, attester));
    }

    function test_error_recipient() public {
        AttestationRequest memory request = _request(decision);
        request.data.recipient = address(0xbad);
        vm.prank(attester);
        uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongRecipient.selector, address(0xbad), address(vault)));
    }

    function test_error_revoked() public {
        vm.warp(NOW + 5);
        _revoke(uid);
        _refuses(abi.encodeWithSelector(IVault.AttestationRevoked.selector, uid, NOW + 5));
    }

    function test_error_expirationTime() public {
        AttestationRequest memory request = _request(decision);
        request.data.expirationTime += 1;
        vm.prank(attester);
        uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongExpiration.selector, decision.expiresAt + 1, decision.expiresAt));
    }

    function test_error_expirationNever() public {
        AttestationRequest memory request = _request(decision);
        request.data.expirationTime = 0;
        vm.prank(attester);
        uid = eas.attest(request);
        _refuses(abi.encodeWithSelector(IVault.WrongExpiration.selector, 0, decision.expiresAt));
    }

    function test_error_attestedBeforeDecided() public {
        decision.decidedAt = uint64(NOW + 10);
        uid = _attest(decision);
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

    function test_behaviour_refUidIsTheAuditorsBusiness() public {
        AttestationRequest memory request = _request(decision);
        request.data.refUID = uid;
        vm.prank(attester);
        uid = eas.attest(request);
        vault.rebalance(uid, decision, trades);
    }

    function test_behaviour_irrevocableAttestationIsAccepted() public {
        AttestationRequest memory request = _request(decision);
        request.data.revocable = false;
        vm.prank(attester);
        uid = eas.attest(request);
        vault.rebalance(uid, decision, trades);
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

    function test_error_feeChanged() public {
        trades[0].fee = 3000;
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
        (uid, decision) = _decideAndAttest(both);
        (trades[0]) = both[1];
        trades.push(both[0]);
        _refusesTrades();
    }

    // Everything at once: one bit anywhere in the arguments

    function testFuzz_error_anyBitOfTheArguments(uint256 bit) public {
        bytes memory arguments = _flip(abi.encode(uid, decision, trades), bit);
        (bool hasSucceeded,) = address(vault).call(bytes.concat(IVault.rebalance.selector, arguments));
        vm.assertFalse(hasSucceeded, "refused");
        vm.assertEq(vault.state().sequence, 0, "nothing was consumed");
        vm.assertEq(weth.balanceOf(address(vault)), 200e18, "nothing moved");
        vault.rebalance(uid, decision, trades); // and the real one still works
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

    function test_error_neitherIsTheBaseAsset() public {
        trades[0].tokenOut = address(wbtc);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NotAgainstBase.selector, 0, address(weth), address(wbtc)));
    }

    function test_error_bothAreTheBaseAsset() public {
        trades[0].tokenIn = address(usdc);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.NotAgainstBase.selector, 0, address(usdc), address(usdc)));
    }

    function test_error_anotherPool() public {
        trades[0].fee = 3000;
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.WrongPoolFee.selector, 0, 3000, 500));
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

    function test_error_oracleRoseSinceTheDecision() public {
        wethFeed.set(2_100e8, NOW);
        _refuses(abi.encodeWithSelector(IVault.MinOutBelowOracle.selector, 0, 99_000e6, 103_950e6));
    }

    function test_error_secondTradeIsCheckedToo() public {
        trades.push(_trade(usdc, wbtc, 30_000e6));
        trades[1].minAmountOut -= 1;
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.MinOutBelowOracle.selector, 1, 99_000_000 - 1, 99_000_000));
    }

    function test_error_turnoverTooHigh() public {
        // 100,000 dollars of ether, then 150,000.000001 of USDC: more than 25 % of a million.
        trades.push(_trade(usdc, wbtc, 150_000e6 + 1));
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.TurnoverTooHigh.selector, 250_000e18 + 1e12, 250_000e18));
    }

    function test_error_balanceTooSmall() public {
        vm.prank(owner);
        vault.withdraw(weth, 151e18);
        vm.prank(owner);
        vault.setLimits(Limits(1 hours, 1e18, 0.01e18));
        _refuses(abi.encodeWithSignature("Error(string)", "STF"));
    }

    function test_error_poolBelowMinimum() public {
        // Somebody sells 1,000 ether first, which moves the pool by about 4 %.
        weth.mint(address(this), 1_000e18);
        wethPool.swap(address(this), wethPool.token0() == address(weth), 1_000e18, _priceLimit(), "");
        _refuses(abi.encodeWithSignature("Error(string)", "Too little received"));
    }

    function test_error_tradesAwayFromTarget() public {
        // Ether is at 40 %, outside 30 % ± 5 %. Buying more takes it further out.
        trades[0] = _trade(usdc, weth, 20_000e6);
        _redecide();
        // x·y = k with 0.05 % off the input.
        uint256 bought = uint256(50_000e18) * 19_990e6 / (100_000_000e6 + 19_990e6);
        uint256 weightAfter = (200e18 + bought) * 2_000 / 1_000_000;
        _refuses(abi.encodeWithSelector(IVault.WeightPushedAway.selector, address(weth), 0.4e18, weightAfter, 0.3e18));
    }

    function test_error_tradesAcrossTheTargetAndOutOfTheBand() public {
        // 76 ether are 152,000 dollars: from 40 % to 24.8 %, nearer to 30 % than before but below the band.
        trades[0] = _trade(weth, usdc, 76e18);
        _redecide();
        _refuses(abi.encodeWithSelector(IVault.WeightPushedAway.selector, address(weth), 0.4e18, 0.248e18, 0.3e18));
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
        vault.rebalance(uid, decision, trades);
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

    // Making things different

    function _attestData(bytes memory data) private {
        AttestationRequest memory request = _request(decision);
        request.data.data = data;
        vm.prank(attester);
        uid = eas.attest(request);
    }

    function _flip(bytes memory data, uint256 bit) private pure returns (bytes memory) {
        bit = bit % (data.length * 8);
        data[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        return data;
    }

    function _priceLimit() private view returns (uint160) {
        // TickMath.MIN_SQRT_RATIO + 1 and MAX_SQRT_RATIO - 1: no limit.
        return wethPool.token0() == address(weth)
            ? 4_295_128_740
            : 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;
    }

    function uniswapV3SwapCallback(int256, int256, bytes calldata) external {
        weth.transfer(msg.sender, 1_000e18);
    }
}
