// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {WAD} from "./FixedPointLib.sol";
import {IntegerNetworkLib} from "./IntegerNetworkLib.sol";

/// @title How likely a weight is to leave its band, by a network that is run here and now
/// @notice score = log2 of the variance that the log-odds of the weight is expected to gather over a horizon, over the
/// squared distance to the nearer edge of its band. 1024 is 1; the higher, the likelier. The market's part comes as
/// features that notaries signed; the weights' part is computed here from weights that the vault computed itself.
/// @dev The same bits as model/src/breach-score.ts.
library BreachScoreLib {
    /// A weight that is none or all of the vault, or outside its band, or whose band has no edge.
    error NotScorable(uint256 holding, uint256 weight, uint256 target, uint256 band);
    error FeaturesOfWrongLength(uint256 found, uint256 expected);

    uint256 internal constant MARKET_FEATURES = 20;
    uint256 internal constant INPUTS = 24;
    uint256 internal constant OUTPUTS = 4;
    /// Of the network's inputs and of its outputs.
    uint256 internal constant FRACTION_BITS = 10;

    uint256 private constant ONE = 1024;
    // round(1024 * log2(10^18)), and round(1024 * log2(hours)) of 1, 4, 24 and 168 hours.
    int256 private constant LOG2_WAD = 61_230;
    int256 private constant LOG2_4 = 2048;
    int256 private constant LOG2_24 = 4695;
    int256 private constant LOG2_168 = 7570;

    /// @param network Contract whose code is a network that IntegerNetworkLib.check accepted.
    /// @param features The holding's, int16 big-endian.
    /// @param weights Of all holdings, WAD, the base asset first.
    /// @param horizon 0 to 3: 1, 4, 24 or 168 hours.
    function score(
        address network,
        bytes calldata features,
        uint256[] memory weights,
        uint256 holding,
        uint256 target,
        uint256 band,
        uint256 horizon
    ) internal view returns (int256) {
        if (features.length != 2 * MARKET_FEATURES) {
            revert FeaturesOfWrongLength(features.length, 2 * MARKET_FEATURES);
        }
        int256 distance = log2OfWad(distanceToEdge(weights[holding], holding, target, band));
        int16[] memory input = IntegerNetworkLib.unpack(features, INPUTS);
        _writeState(input, weights, holding);
        int16[] memory output = IntegerNetworkLib.run(network, input);
        int256 hours_ = horizon == 0 ? int256(0) : horizon == 1 ? LOG2_4 : horizon == 2 ? LOG2_24 : LOG2_168;
        return int256(output[horizon]) + hours_ - 2 * distance;
    }

    /// @return Leaf of the tree of features, as OpenZeppelin's MerkleProof takes it.
    function leaf(bytes32 assetId, bytes calldata features) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(assetId, features))));
    }

    /// @notice Distance of the weight's log-odds to the nearer edge, to first order, WAD, rounded down.
    /// @dev An edge at or beyond 0 or 1 cannot be crossed. A weight on its edge counts as one unit inside.
    function distanceToEdge(uint256 weight, uint256 holding, uint256 target, uint256 band)
        internal
        pure
        returns (uint256)
    {
        uint256 low = target > band ? target - band : 0;
        uint256 high = target + band;
        bool isInside = weight > 0 && weight < WAD && low <= weight && weight <= high;
        if (!isInside || (low == 0 && high >= WAD)) revert NotScorable(holding, weight, target, band);
        uint256 room = low > 0 ? weight - low : high - weight;
        if (high < WAD && high - weight < room) room = high - weight;
        // On the edge: as near as can be, and not outside.
        if (room == 0) room = 1;
        return (room * WAD * WAD) / (weight * (WAD - weight));
    }

    /// @notice 1024 * log2(x / 10^18), x > 0, rounded down bit by bit but for the constant of 10^18.
    function log2OfWad(uint256 x) internal pure returns (int256) {
        unchecked {
            uint256 whole;
            for (uint256 step = 128; step > 0; step >>= 1) {
                if (x >> (whole + step) > 0) whole += step;
            }
            // A mantissa of 128 bits: in [2^127, 2^128) it stands for [1, 2).
            uint256 mantissa = whole <= 127 ? x << (127 - whole) : x >> (whole - 127);
            uint256 log = whole;
            for (uint256 bit; bit < 10; ++bit) {
                mantissa = (mantissa * mantissa) >> 127;
                uint256 carry = mantissa >> 128;
                mantissa >>= carry;
                log = (log << 1) | carry;
            }
            return int256(log) - LOG2_WAD;
        }
    }

    /// @dev Behind the market's: own weight, the base asset's share of the rest, the rest's concentration, whether
    /// the holding is the base asset.
    function _writeState(int16[] memory input, uint256[] memory weights, uint256 holding) private pure {
        uint256 own = weights[holding];
        uint256 rest = WAD - own;
        uint256 squares;
        for (uint256 j = 1; j < weights.length; ++j) {
            if (j != holding) squares += weights[j] * weights[j];
        }
        // forge-lint: disable-start(unsafe-typecast) each is at most 1024, as weights sum to at most WAD
        input[MARKET_FEATURES] = int16(int256(own * ONE / WAD));
        input[MARKET_FEATURES + 1] = holding == 0 ? int16(0) : int16(int256(weights[0] * ONE / rest));
        input[MARKET_FEATURES + 2] = int16(int256(squares * ONE / (rest * rest)));
        input[MARKET_FEATURES + 3] = holding == 0 ? int16(int256(ONE)) : int16(0);
        // forge-lint: disable-end(unsafe-typecast)
    }
}
