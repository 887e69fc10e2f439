// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The part of forge's cheatcode contract that the tests use. The npm package `forge-std` lags years behind forge,
/// and forge answers these calls itself.
interface Vm {
    function assertEq(uint256 a, uint256 b, string calldata reason) external pure;
    function assertEq(address a, address b, string calldata reason) external pure;
    function assertEq(bytes32 a, bytes32 b, string calldata reason) external pure;
    function assertEq(bytes calldata a, bytes calldata b, string calldata reason) external pure;
    function assertTrue(bool condition, string calldata reason) external pure;
    function assertFalse(bool condition, string calldata reason) external pure;
    function assertGe(uint256 a, uint256 b, string calldata reason) external pure;
    function assertLe(uint256 a, uint256 b, string calldata reason) external pure;
    function assertLt(uint256 a, uint256 b, string calldata reason) external pure;
    function assertGt(uint256 a, uint256 b, string calldata reason) external pure;
    function addr(uint256 key) external pure returns (address);
    function chainId(uint256 id) external;
    function etch(address target, bytes calldata code) external;
    function expectEmit(address emitter) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectRevert(bytes calldata reason) external;
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function prank(address sender) external;
    function readFile(string calldata path) external view returns (string memory);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256 gas);
    function revertToState(uint256 id) external returns (bool);
    function snapshotState() external returns (uint256 id);
    function snapshotValue(string calldata group, string calldata name, uint256 value) external;
    function warp(uint256 timestamp) external;
}

abstract contract Cheatcodes {
    bool public constant IS_TEST = true;
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        return x >= min && x <= max ? x : min + x % (max - min + 1);
    }
}
