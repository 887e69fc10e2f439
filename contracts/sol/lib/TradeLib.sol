// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../IVault.sol";
import {Settings, Target, Trade} from "../Types.sol";
import {FixedPointLib, WAD} from "./FixedPointLib.sol";
import {Position, PositionLib} from "./PositionLib.sol";

/// @title What a rebalance may sell and buy, and where it may lead
library TradeLib {
    using FixedPointLib for uint256;
    using PositionLib for Position;
    using PositionLib for Position[];

    uint256 internal constant MAX_TRADES = 32;
    uint256 private constant PPM = 1e6;
    uint256 private constant WAD_PER_PPM = 1e12;

    /// @param weights Of the positions, WAD.
    /// @return sold Value of all trades' tokenIn, WAD, rounded up.
    function check(
        Trade[] calldata trades,
        Position[] memory positions,
        uint256[] memory weights,
        Target[] memory targets,
        uint256 maxSlippagePpm,
        mapping(address => bool) storage isVenue
    ) internal view returns (uint256 sold) {
        if (trades.length == 0 || trades.length > MAX_TRADES) {
            revert IVault.WrongTradeCount(trades.length, MAX_TRADES);
        }
        for (uint256 i; i < trades.length; ++i) {
            Trade calldata trade = trades[i];
            if (!isVenue[trade.venue]) revert IVault.VenueNotAllowed(i, trade.venue);
            uint256 tokenIn = positions.indexOf(trade.tokenIn, i);
            uint256 tokenOut = positions.indexOf(trade.tokenOut, i);
            if (tokenIn == tokenOut) revert IVault.SameToken(i, trade.tokenIn);
            if (trade.amountIn == 0) revert IVault.NothingToSell(i);
            // The base asset is what the others are traded against: its weight is judged by where it ends.
            if (tokenIn != 0 && weights[tokenIn] <= targets[tokenIn].weight) {
                revert IVault.NotAboveTarget(i, trade.tokenIn, weights[tokenIn], targets[tokenIn].weight);
            }
            if (tokenOut != 0 && weights[tokenOut] >= targets[tokenOut].weight) {
                revert IVault.NotBelowTarget(i, trade.tokenOut, weights[tokenOut], targets[tokenOut].weight);
            }
            // Not checked: that the balance suffices. It may come from an earlier trade, and the token itself refuses.
            (uint256 value, uint256 floor) =
                minOut(positions[tokenIn], positions[tokenOut], trade.amountIn, maxSlippagePpm);
            if (trade.minAmountOut < floor) revert IVault.MinOutBelowOracle(i, trade.minAmountOut, floor);
            sold += value;
        }
    }

    /// @return value Of what is sold, WAD. @return floor In tokenOut's smallest unit. Both rounded up: in the
    /// vault's favour, and so that trades at their minimum never add up to more than the loss allowed.
    function minOut(Position memory tokenIn, Position memory tokenOut, uint256 amountIn, uint256 maxSlippagePpm)
        internal
        pure
        returns (uint256 value, uint256 floor)
    {
        value = amountIn.mulDivUp(tokenIn.price, 10 ** tokenIn.holding.decimals);
        uint256 fair = value.mulDivUp(10 ** tokenOut.holding.decimals, tokenOut.price);
        floor = fair.mulDivUp(PPM - maxSlippagePpm, PPM);
    }

    /// @notice Beside the minimum of each trade: where all of it led, and what it cost.
    /// @dev Balances are read anew, so that it counts whatever else happened to the tokens during the swaps. Weights
    /// before and after are both against the value before, so that the trades' cost does not count as drift.
    /// @return navAfter At the prices before, WAD.
    /// @return weightsAfter WAD.
    function checkOutcome(
        Position[] memory positions,
        uint256[] memory weights,
        Target[] memory targets,
        uint256 navBefore,
        uint256 sold,
        Settings memory settings
    ) internal view returns (uint256 navAfter, uint256[] memory weightsAfter) {
        weightsAfter = new uint256[](positions.length);
        uint256 tolerance = settings.crossTolerancePpm * WAD_PER_PPM;
        for (uint256 i; i < positions.length; ++i) {
            Position memory position = positions[i];
            uint256 value = position.valueOf(position.holding.token.balanceOf(address(this)));
            navAfter += value;
            weightsAfter[i] = value.mulDivDown(WAD, navBefore);
            checkWeight(address(position.holding.token), weights[i], weightsAfter[i], targets[i].weight, tolerance);
        }
        // Each token's value is rounded down, by less than 1 each.
        uint256 maxLoss = sold.mulDivUp(settings.maxSlippagePpm, PPM) + positions.length;
        if (navAfter + maxLoss < navBefore) revert IVault.LostTooMuch(navBefore, navAfter, maxLoss);
    }

    function checkWeight(address token, uint256 weightBefore, uint256 weightAfter, uint256 target, uint256 tolerance)
        internal
        pure
    {
        bool isCrossedDown = weightBefore >= target && weightAfter + tolerance < target;
        bool isCrossedUp = weightBefore <= target && weightAfter > target + tolerance;
        if (isCrossedDown || isCrossedUp) {
            revert IVault.TargetCrossed(token, weightBefore, weightAfter, target);
        }
        if (weightAfter.distance(target) > weightBefore.distance(target) + tolerance) {
            revert IVault.WeightPushedAway(token, weightBefore, weightAfter, target);
        }
    }
}
