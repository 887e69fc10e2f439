// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IVault} from "../IVault.sol";
import {Decision, Evidence, Settings, Target} from "../Types.sol";
import {BreachScoreLib} from "./BreachScoreLib.sol";
import {FixedPointLib} from "./FixedPointLib.sol";
import {NotaryLib} from "./NotaryLib.sol";

/// @title Whether a forecast justifies a trade: the market is notarised, the score is computed here
library ForecastLib {
    using FixedPointLib for uint256;

    /// @notice Reverts unless enough notaries signed the market that the decision was made from, and the features are
    /// that market's for this asset.
    function checkMarket(
        Decision calldata decision,
        Evidence calldata evidence,
        bytes32 assetId,
        uint256 threshold,
        mapping(address => bool) storage isNotary
    ) internal view {
        bytes32 root = evidence.featuresRoot;
        bytes32 statement = NotaryLib.digest(decision.inputRoot, root, decision.decidedAt);
        NotaryLib.check(statement, evidence.notarySignatures, threshold, isNotary);
        bytes32 leaf = BreachScoreLib.leaf(assetId, evidence.features);
        if (!MerkleProof.verifyCalldata(evidence.path, root, leaf)) revert IVault.FeaturesNotProven(leaf, root);
    }

    /// @notice Reverts unless the network's score of the holding reaches the bound.
    function checkScore(
        uint256 holding,
        bytes calldata features,
        address network,
        uint256[] memory weights,
        Target[] memory targets,
        Settings memory settings
    ) internal view {
        Target memory target = targets[holding];
        int256 score = BreachScoreLib.score(
            network, features, weights, holding, target.weight, target.band, settings.scoreHorizon
        );
        if (score < settings.minScore) revert IVault.ScoreTooLow(score, settings.minScore);
    }

    /// @notice Reverts unless the holding ends nearer its target. Any but the base asset can do so only by a trade of
    /// its own.
    function checkNearer(uint256 holding, uint256 weightBefore, uint256 weightAfter, uint256 target) internal pure {
        if (weightAfter.distance(target) >= weightBefore.distance(target)) {
            revert IVault.HoldingNotNearer(holding, weightBefore, weightAfter, target);
        }
    }
}
