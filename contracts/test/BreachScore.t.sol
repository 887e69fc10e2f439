// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevBreachScores, Question} from "../sol/dev/DevBreachScores.sol";
import {DevNetworks} from "../sol/dev/DevNetworks.sol";
import {BreachScoreLib} from "../sol/lib/BreachScoreLib.sol";
import {Cheatcodes} from "./Cheatcodes.sol";

/// What must hold of every score, and each refusal. The same bits as TypeScript's are tested in
/// model/test/breach-score-evm.test.ts.
contract BreachScoreTest is Cheatcodes {
    uint256 private constant WAD = 1e18;
    int256 private constant SAID = -15_000;

    DevBreachScores private scores;
    address private network;

    function setUp() public {
        scores = new DevBreachScores();
        DevNetworks networks = new DevNetworks();
        network = networks.deploy(_creationCode(SAID));
        (uint256 inputs, uint256 outputs) = networks.check(network);
        vm.assertEq(inputs, 24, "inputs");
        vm.assertEq(outputs, 4, "outputs");
    }

    /// A network of 24-32-16-4 without weights, whose outputs are all `output`.
    function _creationCode(int256 output) private pure returns (bytes memory) {
        bytes memory zeroBiases = new bytes(64);
        for (uint256 i = 0; i < 64; i += 4) {
            zeroBiases[i] = 0x80;
        }
        bytes memory biases = new bytes(64);
        for (uint256 i = 0; i < 64; i += 4) {
            biases[i] = 0x80;
        }
        // Outputs 0 and 2 lead the first word, 1 and 3 the second.
        for (uint256 i = 0; i < 4; ++i) {
            uint256 offset = i % 2 * 32 + i / 2 * 4;
            uint256 bias = uint256(2 ** 31 + output);
            for (uint256 b = 0; b < 4; ++b) {
                biases[offset + b] = bytes1(uint8(bias >> (24 - 8 * b)));
            }
        }
        bytes memory header = abi.encodePacked(hex"0042494e010a0a", uint8(3), uint8(24), hex"200010000400");
        bytes memory code = bytes.concat(bytes32(header), zeroBiases, _zeroWeights(24));
        code = bytes.concat(code, zeroBiases, _zeroWeights(24), zeroBiases, _zeroWeights(32));
        code = bytes.concat(code, biases, _zeroWeights(16));
        return bytes.concat(hex"61", bytes2(uint16(code.length)), hex"80600a5f395ff3", code);
    }

    function _zeroWeights(uint256 inputs) private pure returns (bytes memory weights) {
        weights = new bytes(32 * inputs);
        for (uint256 i = 0; i < weights.length; i += 2) {
            weights[i] = 0x80;
        }
    }

    /// About the second of three holdings, 50 % of the vault being in the base asset.
    function _question(uint256 weight, uint256 target, uint256 band) private pure returns (Question memory question) {
        question.features = new bytes(40);
        question.weights = new uint256[](3);
        (question.weights[0], question.weights[1], question.weights[2]) = (WAD / 2, weight, WAD / 2 - weight);
        (question.holding, question.target, question.band) = (1, target, band);
    }

    function _expectNotScorable(Question memory q) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                BreachScoreLib.NotScorable.selector, q.holding, q.weights[q.holding], q.target, q.band
            )
        );
        scores.score(network, q, 2);
    }

    /// Half a point of room at 31.5 % is 0.0231722 of log-odds: log2 -5.43145, times 1024 -5561.8.
    function test_default_worked() public view {
        Question memory q = _question(0.315e18, 0.3e18, 0.02e18);
        int256[4] memory hours_ = [int256(0), 2048, 4695, 7570];
        for (uint256 horizon = 0; horizon < 4; ++horizon) {
            int256 expected = SAID + hours_[horizon] + 2 * 5562;
            int256 found = scores.score(network, q, horizon);
            vm.assertTrue(found >= expected - 2 && found <= expected + 2, "score");
        }
    }

    function testFuzz_behaviour_lessRoomNeverLowersTheScore(uint256 weight, uint256 a, uint256 b) public view {
        weight = bound(weight, 0.01e18, 0.49e18);
        a = bound(a, 1, 0.5e18);
        b = bound(b, a, 0.5e18);
        int256 tight = scores.score(network, _question(weight, weight, a), 2);
        int256 wide = scores.score(network, _question(weight, weight, b), 2);
        vm.assertTrue(tight >= wide, "less room, lower score");
    }

    /// 10^-18 of room at 32 % is 4.6e-18 of log-odds, at 28 % 4.96e-18, rounded down 4e-18: log2 times 1024 2048 - 61230.
    function test_behaviour_onItsEdgeAWeightIsAsNearAsCanBe() public view {
        int256 expected = SAID + 2 * 59_182;
        vm.assertTrue(scores.score(network, _question(0.32e18, 0.3e18, 0.02e18), 0) == expected, "upper edge");
        vm.assertTrue(scores.score(network, _question(0.28e18, 0.3e18, 0.02e18), 0) == expected, "lower edge");
    }

    function testFuzz_behaviour_everyWeightInsideItsBandHasAScore(uint256 weight, uint256 target, uint256 band)
        public
        view
    {
        target = bound(target, 1, 0.5e18 - 1);
        band = bound(band, 1, 0.3e18);
        uint256 low = target > band ? target - band : 1;
        uint256 high = target + band < 0.5e18 ? target + band : 0.5e18;
        scores.score(network, _question(bound(weight, low, high), target, band), 3);
    }

    function testFuzz_behaviour_log2(uint256 x, uint256 y) public view {
        x = bound(x, 1, type(uint256).max / 2);
        y = bound(y, x, type(uint256).max);
        uint256[] memory values = new uint256[](3);
        (values[0], values[1], values[2]) = (x, 2 * x, y);
        int256[] memory logs = scores.log2OfWad(values);
        vm.assertTrue(logs[1] == logs[0] + 1024, "twice is one more");
        vm.assertTrue(logs[2] >= logs[0], "never falls");
    }

    function testFuzz_behaviour_proofOfTwo(bytes32 id, bytes32 other, bytes calldata features) public view {
        if (id == other) return;
        bytes32 mine = scores.leaf(id, features);
        bytes32 theirs = scores.leaf(other, features);
        bytes32[] memory path = new bytes32[](1);
        path[0] = theirs;
        bytes32 root = mine < theirs ? keccak256(abi.encode(mine, theirs)) : keccak256(abi.encode(theirs, mine));
        vm.assertTrue(scores.isProven(root, id, features, path), "proven");
        vm.assertFalse(scores.isProven(root, other, features, path), "another asset's");
        vm.assertFalse(scores.isProven(root, id, bytes.concat(features, hex"00"), path), "other features");
    }

    function test_error_NotScorable() public {
        _expectNotScorable(_question(0.3201e18, 0.3e18, 0.02e18));
        _expectNotScorable(_question(0.2799e18, 0.3e18, 0.02e18));
        _expectNotScorable(_question(0, 0.01e18, 0.02e18));
        // Neither edge lies within 0 and 1.
        _expectNotScorable(_question(0.3e18, 0.3e18, 0.8e18));
        Question memory all = _question(WAD / 2, WAD / 2, 0.02e18);
        (all.weights[0], all.weights[1], all.target) = (0, WAD, WAD - 0.01e18);
        _expectNotScorable(all);
    }

    function test_error_FeaturesOfWrongLength() public {
        Question memory q = _question(0.3e18, 0.3e18, 0.02e18);
        for (uint256 length = 0; length <= 80; ++length) {
            if (length == 40) continue;
            q.features = new bytes(length);
            vm.expectRevert(abi.encodeWithSelector(BreachScoreLib.FeaturesOfWrongLength.selector, length, 40));
            scores.score(network, q, 2);
        }
    }

    function test_gas() public {
        uint256 used = scores.gasOfScore(network, _question(0.315e18, 0.3e18, 0.02e18), 2);
        vm.assertGe(30_000, used, "gas of a score");
        vm.snapshotValue("BreachScore", "score of three holdings, cold network", used);
    }
}
