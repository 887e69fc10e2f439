// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Deploys contracts of any code at one and the same address, one after another.
contract ShapeShifters {
    address public constant DESTROYER = address(0xdead5e1f);

    bytes public code;
    bool public isForOneTransaction;

    /// @return Where the next one comes to lie, and all that follow it.
    function next() external view returns (address) {
        bytes32 codeHash = keccak256(type(ShapeShifter).creationCode);
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(this), bytes32(0), codeHash)))));
    }

    function create(bytes calldata code_) external {
        (code, isForOneTransaction) = (code_, false);
        new ShapeShifter{salt: 0}();
    }

    /// @param call_ Sent to `target` while the contract is there.
    function createForOneTransaction(bytes calldata code_, address target, bytes calldata call_) external {
        (code, isForOneTransaction) = (code_, true);
        new ShapeShifter{salt: 0}();
        (bool isDone,) = target.call(call_);
        require(isDone, "refused");
    }
}

/// @dev Its creation code is always the same, so that CREATE2 gives it always the same address.
contract ShapeShifter {
    constructor() {
        ShapeShifters shapes = ShapeShifters(msg.sender);
        bytes memory code = shapes.code();
        if (shapes.isForOneTransaction()) {
            (bool isDone,) = shapes.DESTROYER().delegatecall("");
            require(isDone, "not destroyed");
        }
        assembly ("memory-safe") {
            return(add(code, 0x20), mload(code))
        }
    }
}
