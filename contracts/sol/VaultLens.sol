// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "./IVault.sol";
import {Decision, Guard, Holding, Model, Progress, Settings, Target, Trade, VaultState} from "./Types.sol";
import {BreachScoreLib} from "./lib/BreachScoreLib.sol";
import {BudgetLib} from "./lib/BudgetLib.sol";
import {FixedPointLib, WAD} from "./lib/FixedPointLib.sol";
import {IntegerNetworkLib} from "./lib/IntegerNetworkLib.sol";
import {OracleLib} from "./lib/OracleLib.sol";
import {Position, PositionLib} from "./lib/PositionLib.sol";
import {TradeLib} from "./lib/TradeLib.sol";

interface IVaultLens {
    function state(IVault vault) external view returns (VaultState memory);
    function guards(IVault vault, Decision calldata decision, Trade[] calldata trades)
        external
        view
        returns (Guard[] memory);
    function weights(IVault vault) external view returns (uint256[] memory);
    function minOut(IVault vault, address tokenIn, address tokenOut, uint256 amountIn) external view returns (uint256);
    /// @notice Reverts unless the code of `holder` is the network of that id, whole and of the shape and scale that scores
    /// need.
    function checkModel(bytes32 modelId, address holder) external view;
}

/// @title Answers about any vault, from what it says of itself, and about the networks it may register
/// @dev Apart from the vault because a contract has room for 24,576 bytes, and nothing here moves a token. The
/// arithmetic is that of the vault's own libraries.
contract VaultLens is IVaultLens {
    using FixedPointLib for uint256;
    using PositionLib for Position;
    using PositionLib for Position[];

    uint256 private constant PPM = 1e6;
    uint256 private constant WAD_PER_PPM = 1e12;
    /// At most, beside those of each trade and the two of each token.
    uint256 private constant GUARDS = 14;
    uint256 private constant GUARDS_PER_TRADE = 6;

    /// @inheritdoc IVaultLens
    function state(IVault vault) external view returns (VaultState memory s) {
        (Position[] memory positions, uint256 nav) = PositionLib.read(vault.holdings(), address(vault));
        Progress memory progress = vault.progress();
        Settings memory settings = s.settings = vault.settings();
        (s.sequence, s.paused) = (progress.sequence, progress.isPaused);
        (s.lastRebalanceAt, s.lastDecidedAt) = (progress.lastRebalanceAt, progress.lastDecidedAt);
        (s.nav, s.totalSupply) = (nav, IERC20(address(vault)).totalSupply());
        (s.turnoverLeft, s.lossLeft) = _budgetsLeft(progress, settings);
        s.weights = positions.weights(nav);
        _fillTokens(s, positions, vault.targets());
        if (!s.paused) {
            try this.checkMarket(vault) {
                s.isTradingAllowed = true;
            } catch {}
        }
    }

    /// @inheritdoc IVaultLens
    function weights(IVault vault) external view returns (uint256[] memory) {
        (Position[] memory positions, uint256 nav) = PositionLib.read(vault.holdings(), address(vault));
        return positions.weights(nav);
    }

    /// @inheritdoc IVaultLens
    function minOut(IVault vault, address tokenIn, address tokenOut, uint256 amountIn)
        external
        view
        returns (uint256 floor)
    {
        (Position[] memory positions,) = PositionLib.read(vault.holdings(), address(vault));
        Position memory sold = positions[positions.indexOf(tokenIn, 0)];
        Position memory bought = positions[positions.indexOf(tokenOut, 0)];
        (, floor) = TradeLib.minOut(sold, bought, amountIn, vault.settings().maxSlippagePpm);
    }

    /// @inheritdoc IVaultLens
    function checkModel(bytes32 modelId, address holder) external view {
        if (holder.codehash != modelId) revert IVault.WrongModelCode(modelId, holder.codehash);
        (uint256 inputs, uint256 outputs) = IntegerNetworkLib.check(holder);
        if (inputs != BreachScoreLib.INPUTS || outputs != BreachScoreLib.OUTPUTS) {
            revert IVault.WrongModelShape(inputs, outputs);
        }
        (uint256 inputBits, uint256 outputBits) = IntegerNetworkLib.fractionBits(holder);
        if (inputBits != BreachScoreLib.FRACTION_BITS || outputBits != BreachScoreLib.FRACTION_BITS) {
            revert IVault.WrongModelScale(inputBits, outputBits);
        }
    }

    /// @notice Reverts where the vault would for its sequencer, its feeds or its pools.
    function checkMarket(IVault vault) external view {
        OracleLib.checkSequencer(vault.sequencerFeed(), vault.sequencerGrace());
        (Position[] memory positions,) = PositionLib.read(vault.holdings(), address(vault));
        Settings memory settings = vault.settings();
        positions.checkPools(settings.twapWindow, settings.maxDisagreementPpm);
    }

    function _fillTokens(VaultState memory s, Position[] memory positions, Target[] memory targets) private view {
        uint256 count = positions.length;
        (s.tokens, s.assetIds, s.decimals) = (new address[](count), new bytes32[](count), new uint8[](count));
        (s.balances, s.pricesWad) = (new uint256[](count), new uint256[](count));
        (s.targetWeights, s.bands) = (new uint64[](count), new uint64[](count));
        (s.pools, s.poolFees) = (new address[](count), new uint24[](count));
        for (uint256 i; i < count; ++i) {
            Position memory position = positions[i];
            Holding memory holding = position.holding;
            (s.tokens[i], s.assetIds[i], s.decimals[i]) = (address(holding.token), holding.assetId, holding.decimals);
            (s.balances[i], s.pricesWad[i]) = (position.balance, position.price);
            (s.targetWeights[i], s.bands[i]) = (targets[i].weight, targets[i].band);
            s.pools[i] = holding.pool;
            if (holding.pool != address(0)) s.poolFees[i] = IUniswapV3Pool(holding.pool).fee();
        }
    }

    // Guards

    // All that the guards are computed from, in memory only.
    struct Plan {
        Guard[] guards;
        uint256 count;
        Position[] positions;
        Target[] targets;
        uint256[] weights;
        Settings settings;
        Progress progress;
        uint256 nav;
        uint256 sold;
        bool isAhead;
    }

    /// @inheritdoc IVaultLens
    function guards(IVault vault, Decision calldata decision, Trade[] calldata trades)
        external
        view
        returns (Guard[] memory)
    {
        Plan memory plan;
        (plan.settings, plan.progress, plan.targets) = (vault.settings(), vault.progress(), vault.targets());
        (plan.positions, plan.nav) = PositionLib.read(vault.holdings(), address(vault));
        plan.weights = plan.positions.weights(plan.nav);
        if (plan.nav == 0) revert IVault.VaultEmpty();
        plan.guards = new Guard[](GUARDS + GUARDS_PER_TRADE * trades.length + 2 * plan.positions.length);
        _guardTiming(plan, decision);
        _atMost(plan, "WrongTradeCount", 0, TradeLib.MAX_TRADES, trades.length);
        for (uint256 i; i < trades.length; ++i) {
            _guardTrade(plan, vault, trades[i], i);
        }
        _guardBudgets(plan, vault, decision);
        _guardWeights(plan, decision.holding);
        // Some guards do not apply: the array ends where they end.
        Guard[] memory all = plan.guards;
        uint256 count = plan.count;
        assembly ("memory-safe") {
            mstore(all, count)
        }
        return all;
    }

    function _guardTiming(Plan memory plan, Decision calldata decision) private view {
        (Settings memory s, Progress memory p) = (plan.settings, plan.progress);
        _atMost(plan, "VaultPaused", 0, 0, p.isPaused ? 1 : 0);
        uint256 next = uint256(p.sequence) + 1;
        plan.guards[plan.count++] = Guard("WrongSequence", 0, next, decision.sequence, decision.sequence != next);
        _atMost(plan, "DecidedInFuture", 0, block.timestamp, decision.decidedAt);
        _atLeast(plan, "OlderThanLastDecision", 0, uint256(p.lastDecidedAt) + 1, decision.decidedAt);
        uint256 age = block.timestamp > decision.decidedAt ? block.timestamp - decision.decidedAt : 0;
        _atMost(plan, "DecisionTooOld", 0, s.maxDecisionAge, age);
        _atLeast(plan, "DecisionExpired", 0, block.timestamp, decision.expiresAt);
        _atMost(plan, "CoolingDown", 0, block.timestamp, uint256(p.lastRebalanceAt) + s.cooldown);
    }

    function _guardTrade(Plan memory plan, IVault vault, Trade calldata trade, uint256 index) private view {
        uint256 tokenIn = plan.positions.indexOf(trade.tokenIn, index);
        uint256 tokenOut = plan.positions.indexOf(trade.tokenOut, index);
        _atLeast(plan, "VenueNotAllowed", index, 1, vault.isVenue(trade.venue) ? 1 : 0);
        _atLeast(plan, "NothingToSell", index, 1, trade.amountIn);
        if (tokenIn != 0) {
            uint256 target = plan.targets[tokenIn].weight;
            bool isBinding = plan.weights[tokenIn] <= target;
            plan.guards[plan.count++] = Guard("NotAboveTarget", index, target, plan.weights[tokenIn], isBinding);
        }
        if (tokenOut != 0) {
            uint256 target = plan.targets[tokenOut].weight;
            bool isBinding = plan.weights[tokenOut] >= target;
            plan.guards[plan.count++] = Guard("NotBelowTarget", index, target, plan.weights[tokenOut], isBinding);
        }
        (uint256 value, uint256 floor) = TradeLib.minOut(
            plan.positions[tokenIn], plan.positions[tokenOut], trade.amountIn, plan.settings.maxSlippagePpm
        );
        _atLeast(plan, "MinOutBelowOracle", index, floor, trade.minAmountOut);
        plan.sold += value;
        // From here on the balances are those after the trade, at its minimum.
        Position memory sold = plan.positions[tokenIn];
        _atMost(plan, "BalanceTooSmall", index, sold.balance, trade.amountIn);
        sold.balance -= trade.amountIn > sold.balance ? sold.balance : trade.amountIn;
        plan.positions[tokenOut].balance += trade.minAmountOut;
    }

    function _guardBudgets(Plan memory plan, IVault vault, Decision calldata decision) private view {
        Settings memory s = plan.settings;
        uint256 maxTurnoverPpm = s.maxTurnoverPpm;
        if (!PositionLib.isAnyOutside(plan.weights, plan.targets)) {
            plan.isAhead = true;
            _atLeast(plan, "ForecastMissing", 0, 1, decision.modelId == 0 ? 0 : 1);
            Model memory model = vault.model(decision.modelId);
            bool isOnProbation = block.timestamp < uint256(model.registeredAt) + s.probation;
            if (model.isActive && isOnProbation) maxTurnoverPpm = s.probationTurnoverPpm;
        }
        (uint256 turnoverLeft, uint256 lossLeft) = _budgetsLeft(plan.progress, s);
        _atMost(plan, "TurnoverTooHigh", 0, plan.nav.mulDivDown(maxTurnoverPpm, PPM), plan.sold);
        _atMost(plan, "TurnoverBudgetSpent", 0, turnoverLeft, plan.sold.mulDivUp(WAD, plan.nav));
        uint256 lost = _lostOf(plan);
        uint256 maxLoss = plan.sold.mulDivUp(s.maxSlippagePpm, PPM) + plan.positions.length;
        _atMost(plan, "LostTooMuch", 0, maxLoss, lost);
        _atMost(plan, "LossBudgetSpent", 0, lossLeft, lost.mulDivUp(WAD, plan.nav));
    }

    function _lostOf(Plan memory plan) private pure returns (uint256) {
        uint256 navAfter;
        for (uint256 i; i < plan.positions.length; ++i) {
            navAfter += plan.positions[i].valueOf(plan.positions[i].balance);
        }
        return navAfter < plan.nav ? plan.nav - navAfter : 0;
    }

    function _guardWeights(Plan memory plan, uint256 holding) private pure {
        uint256 tolerance = plan.settings.crossTolerancePpm * WAD_PER_PPM;
        for (uint256 i; i < plan.positions.length; ++i) {
            Position memory position = plan.positions[i];
            uint256 target = plan.targets[i].weight;
            (uint256 weight, uint256 weightAfter) =
                (plan.weights[i], position.valueOf(position.balance).mulDivDown(WAD, plan.nav));
            bool isSameSide = (weight > target) == (weightAfter > target);
            _atMost(plan, "TargetCrossed", i, tolerance, isSameSide ? 0 : weightAfter.distance(target));
            _atMost(plan, "WeightPushedAway", i, weight.distance(target) + tolerance, weightAfter.distance(target));
            if (plan.isAhead && i == holding) {
                (uint256 distance, uint256 distanceAfter) = (weight.distance(target), weightAfter.distance(target));
                plan.guards[plan.count++] =
                    Guard("HoldingNotNearer", i, distance, distanceAfter, distanceAfter >= distance);
            }
        }
    }

    function _budgetsLeft(Progress memory p, Settings memory s) private view returns (uint256 turnover, uint256 loss) {
        uint256 elapsed = block.timestamp - p.lastRebalanceAt;
        turnover = BudgetLib.left(
            BudgetLib.usedNow(p.turnoverUsed, s.turnoverBudgetPpm, elapsed, s.budgetWindow), s.turnoverBudgetPpm
        );
        loss = BudgetLib.left(BudgetLib.usedNow(p.lossUsed, s.lossBudgetPpm, elapsed, s.budgetWindow), s.lossBudgetPpm);
    }

    function _atMost(Plan memory plan, bytes32 name, uint256 index, uint256 limit, uint256 value) private pure {
        plan.guards[plan.count++] = Guard(name, index, limit, value, value > limit);
    }

    function _atLeast(Plan memory plan, bytes32 name, uint256 index, uint256 limit, uint256 value) private pure {
        plan.guards[plan.count++] = Guard(name, index, limit, value, value < limit);
    }
}
