// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IVault} from "../sol/IVault.sol";
import {Decision, Evidence} from "../sol/Types.sol";
import {Fixture} from "./Fixture.sol";

/// @dev The fixture's vault with a network that hands its first input through, past its probation, and what notaries sign.
abstract contract ForecastFixture is Fixture {
    bytes32 internal constant ATTESTATION = keccak256("the model's attestation");

    bytes32 internal modelId;
    Decision internal decision;
    Evidence internal evidence;
    bytes32[] internal otherLeaves = [keccak256("bitcoin's"), keccak256("the market's")];

    function setUp() public virtual override {
        super.setUp();
        modelId = _register(_network(".first"));
        _pass(3 days);
        // 430, 400 and 360 thousand dollars: 36, 34 and 30 %, every weight inside its band.
        usdc.mint(address(vault), 130_000e6);
        wbtc.mint(address(vault), 2e8);
    }

    function _network(string memory key) internal view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile("test/fixtures/networks.json"), key);
    }

    function _register(bytes memory network) internal returns (bytes32 id) {
        address code = address(uint160(uint256(keccak256(network))));
        vm.etch(code, network);
        id = keccak256(network);
        _change(abi.encodeCall(IVault.registerModel, (id, code, ATTESTATION)));
    }

    /// The first is the given one, the others are nothing.
    function _features(int16 first) internal pure returns (bytes memory) {
        return bytes.concat(bytes2(uint16(first)), new bytes(38));
    }

    function _gather(bytes memory features, bytes32 assetId) internal {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(assetId, features))));
        evidence = _sign(decision);
        evidence.features = features;
        evidence.path = otherLeaves;
        evidence.featuresRoot =
            Hashes.commutativeKeccak256(Hashes.commutativeKeccak256(leaf, otherLeaves[0]), otherLeaves[1]);
        _notarise(0, 1);
    }

    function _notarise(uint256 a, uint256 b) internal {
        evidence.notarySignatures = bytes.concat(_statement(notaryKeys[a]), _statement(notaryKeys[b]));
    }

    function _statement(uint256 key) internal view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version)"), keccak256("Ballast Notary"), keccak256("1")
            )
        );
        bytes32 statement = keccak256(
            abi.encode(
                keccak256("MarketStatement(bytes32 inputRoot,bytes32 featuresRoot,uint64 at)"),
                decision.inputRoot,
                evidence.featuresRoot,
                decision.decidedAt
            )
        );
        return _signature(key, keccak256(abi.encodePacked(hex"1901", domain, statement)));
    }
}
