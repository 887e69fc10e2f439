// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Fixed} from "./Fixed.sol";
import {IFixed, IVault} from "./IVault.sol";
import {Payments} from "./Payments.sol";
import {Decision, Evidence, FixedParts, Market, Model, Progress, Settings, Target, Trade} from "./Types.sol";
import {BudgetLib} from "./lib/BudgetLib.sol";
import {Attested, DecisionLib} from "./lib/DecisionLib.sol";
import {FixedPointLib, WAD} from "./lib/FixedPointLib.sol";
import {ForecastLib} from "./lib/ForecastLib.sol";
import {MarketLib} from "./lib/MarketLib.sol";
import {Position, PositionLib} from "./lib/PositionLib.sol";
import {State, StateLib} from "./lib/StateLib.sol";
import {TradeLib} from "./lib/TradeLib.sol";

interface IRebalancer is IFixed {
    /// @notice Carries out an attested decision, whole or not at all, with the caller's tokens (by delegatecall).
    function rebalance(Decision calldata decision, Trade[] calldata trades, Evidence calldata evidence)
        external
        returns (uint256[] memory amountsOut);
    function fixedParts() external view returns (FixedParts memory);
}

/// @title How the vault trades: from a decision to its outcome, top to bottom
/// @notice Run by a vault with its own storage and tokens (delegatecall); on its own it has neither attesters nor
/// tokens, so nothing can come of calling it directly.
/// @dev Apart from the vault because a contract has room for 24,576 bytes.
contract Rebalancer is Payments, IRebalancer, ReentrancyGuardTransient {
    using DecisionLib for Decision;
    using DecisionLib for Trade[];
    using FixedPointLib for uint256;
    using PositionLib for Position[];
    using TradeLib for Trade[];

    uint256 private constant PPM = 1e6;

    constructor(Market memory market) Fixed(MarketLib.fix(market)) {}

    // What a rebalance knows of the vault, in memory only.
    struct Before {
        Settings settings;
        Progress progress;
        Target[] targets;
        Position[] positions;
        uint256[] weights;
        uint256 nav;
        uint256 sold;
        Attested by;
        /// Whether the trades are justified by a forecast alone.
        bool isAhead;
    }

    /// @inheritdoc IRebalancer
    function rebalance(Decision calldata decision, Trade[] calldata trades, Evidence calldata evidence)
        external
        nonReentrant
        returns (uint256[] memory amountsOut)
    {
        Before memory before;
        State storage state = StateLib.load();
        (before.settings, before.progress, before.targets) = (state.settings, state.progress, state.targets);
        decision.checkIsDue(before.progress, before.settings.cooldown, before.settings.maxDecisionAge);
        bytes32 tradesHash = trades.hash();
        if (tradesHash != decision.tradesHash) revert IVault.TradesNotDecided(decision.tradesHash, tradesHash);
        Model memory model = _activeModel(decision.modelId);
        before.by = decision.checkIsAttested(evidence, model.attestationUid, eas, _easVersionHash, state.isAttester);

        (before.positions, before.nav,) = _positions();
        if (before.nav == 0) revert IVault.VaultEmpty();
        before.weights = before.positions.weights(before.nav);
        uint256 maxTurnoverPpm = _checkReason(decision, evidence, model, before);
        before.sold = trades.check(
            before.positions, before.weights, before.targets, before.settings.maxSlippagePpm, state.isVenue
        );
        _useTurnover(before, maxTurnoverPpm);
        _useSequence(decision, before.progress);

        amountsOut = new uint256[](trades.length);
        for (uint256 i; i < trades.length; ++i) {
            Trade calldata trade = trades[i];
            uint256 received = amountsOut[i] = _swap(trade, i);
            emit IVault.Traded(decision.sequence, trade.tokenIn, trade.tokenOut, trade.venue, trade.amountIn, received);
        }

        uint256 navAfter = _checkOutcome(decision, before);
        _useLoss(before, navAfter);
        _report(decision, before, navAfter);
    }

    // Whether it may trade

    /// @return What the rebalance may turn over: less for a forecast by a model on probation.
    function _checkReason(
        Decision calldata decision,
        Evidence calldata evidence,
        Model memory model,
        Before memory before
    ) private view returns (uint256) {
        Settings memory s = before.settings;
        if (PositionLib.isAnyOutside(before.weights, before.targets)) return s.maxTurnoverPpm;
        before.isAhead = true;
        if (decision.modelId == 0) revert IVault.ForecastMissing();
        if (decision.holding >= before.positions.length) {
            revert IVault.HoldingUnknown(decision.holding, before.positions.length);
        }
        // Again, although registration saw to it: a contract that destroys itself in the transaction that creates it
        // leaves its address to another.
        bytes32 codeHash = model.holder.codehash;
        if (codeHash != decision.modelId) revert IVault.WrongModelCode(decision.modelId, codeHash);
        bytes32 assetId = before.positions[decision.holding].holding.assetId;
        ForecastLib.checkMarket(decision, evidence, assetId, s.notaryThreshold, StateLib.load().isNotary);
        ForecastLib.checkScore(decision.holding, evidence.features, model.holder, before.weights, before.targets, s);
        return block.timestamp < model.registeredAt + uint256(s.probation) ? s.probationTurnoverPpm : s.maxTurnoverPpm;
    }

    // Where it led

    function _checkOutcome(Decision calldata decision, Before memory before) private view returns (uint256 navAfter) {
        uint256[] memory weightsAfter;
        (navAfter, weightsAfter) = TradeLib.checkOutcome(
            before.positions, before.weights, before.targets, before.nav, before.sold, before.settings
        );
        if (!before.isAhead) return navAfter;
        // A forecast justifies trades of the holding that it is about.
        uint256 i = decision.holding;
        ForecastLib.checkNearer(i, before.weights[i], weightsAfter[i], before.targets[i].weight);
    }

    // Budgets, then the sequence

    function _useTurnover(Before memory before, uint256 maxTurnoverPpm) private view {
        (Settings memory s, Progress memory p) = (before.settings, before.progress);
        uint256 maxSold = before.nav.mulDivDown(maxTurnoverPpm, PPM);
        if (before.sold > maxSold) revert IVault.TurnoverTooHigh(before.sold, maxSold);
        uint256 elapsed = block.timestamp - p.lastRebalanceAt;
        uint256 used = BudgetLib.usedNow(p.turnoverUsed, s.turnoverBudgetPpm, elapsed, s.budgetWindow);
        uint256 share = before.sold.mulDivUp(WAD, before.nav);
        uint256 left = BudgetLib.left(used, s.turnoverBudgetPpm);
        if (share > left) revert IVault.TurnoverBudgetSpent(share, left);
        p.turnoverUsed = uint64(used + share);
        p.lossUsed = uint64(BudgetLib.usedNow(p.lossUsed, s.lossBudgetPpm, elapsed, s.budgetWindow));
    }

    function _useSequence(Decision calldata decision, Progress memory p) private {
        p.sequence = uint40(decision.sequence);
        p.lastDecidedAt = uint40(decision.decidedAt);
        p.lastRebalanceAt = uint40(block.timestamp);
        StateLib.load().progress = p;
    }

    function _useLoss(Before memory before, uint256 navAfter) private {
        if (navAfter >= before.nav) return;
        uint256 share = (before.nav - navAfter).mulDivUp(WAD, before.nav);
        uint256 used = before.progress.lossUsed;
        uint256 left = BudgetLib.left(used, before.settings.lossBudgetPpm);
        if (share > left) revert IVault.LossBudgetSpent(share, left);
        StateLib.load().progress.lossUsed = uint64(used + share);
    }

    function _report(Decision calldata decision, Before memory before, uint256 navAfter) private {
        emit IVault.Rebalanced(
            decision.sequence,
            before.by.uid,
            before.by.decisionHash,
            before.by.attester,
            decision.modelId,
            decision.policyId,
            decision.reason,
            before.nav,
            navAfter,
            before.sold
        );
    }

    // Models

    /// @return Empty where `modelId` is zero: a decision without a model.
    function _activeModel(bytes32 modelId) private view returns (Model memory) {
        if (modelId == 0) return Model(address(0), 0, false, 0);
        Model memory model = StateLib.load().models[modelId];
        if (!model.isActive) revert IVault.ModelNotActive(modelId);
        return model;
    }

    /// @inheritdoc IRebalancer
    function fixedParts() external view returns (FixedParts memory) {
        return FixedParts(eas, _easVersionHash, sequencerFeed, sequencerGrace, _store);
    }
}
