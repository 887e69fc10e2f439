// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BreachScoreLib} from "../lib/BreachScoreLib.sol";

/// A weight about which a score is asked.
struct Question {
    /// int16 big-endian.
    bytes features;
    /// WAD, the base asset first.
    uint256[] weights;
    uint256 holding;
    uint256 target;
    uint256 band;
}

/// @title Breach scores from outside a vault: for tests and a look at what a score says
contract DevBreachScores {
    function score(address network, Question calldata question, uint256 horizon) external view returns (int256) {
        return _score(network, question, horizon);
    }

    /// @return results per question, the scores of the four horizons in a word each, or the error it reverted with.
    function examine(address network, Question[] calldata questions) external view returns (bytes[] memory results) {
        results = new bytes[](questions.length);
        for (uint256 n = 0; n < questions.length; ++n) {
            for (uint256 horizon = 0; horizon < 4; ++horizon) {
                try this.score(network, questions[n], horizon) returns (int256 found) {
                    results[n] = bytes.concat(results[n], bytes32(uint256(found)));
                } catch (bytes memory reason) {
                    results[n] = reason;
                    break;
                }
            }
        }
    }

    function log2OfWad(uint256[] calldata values) external pure returns (int256[] memory logs) {
        logs = new int256[](values.length);
        for (uint256 n = 0; n < values.length; ++n) {
            logs[n] = BreachScoreLib.log2OfWad(values[n]);
        }
    }

    function leaf(bytes32 assetId, bytes calldata features) external pure returns (bytes32) {
        return BreachScoreLib.leaf(assetId, features);
    }

    function isProven(bytes32 root, bytes32 assetId, bytes calldata features, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return MerkleProof.verifyCalldata(path, root, BreachScoreLib.leaf(assetId, features));
    }

    /// @return used the gas of one score: the network is cold when this is the first thing a transaction does.
    function gasOfScore(address network, Question calldata question, uint256 horizon)
        external
        view
        returns (uint256 used)
    {
        used = gasleft();
        _score(network, question, horizon);
        used -= gasleft();
    }

    function _score(address network, Question calldata q, uint256 horizon) private view returns (int256) {
        return BreachScoreLib.score(network, q.features, q.weights, q.holding, q.target, q.band, horizon);
    }
}
