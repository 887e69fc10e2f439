// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointLib} from "./FixedPointLib.sol";

/// @title A budget that is used in steps and refills at a constant rate
/// @dev A leaky bucket: within any `window` seconds no more than twice the budget can be used, and over n windows no
/// more than n + 1 budgets. Shares are of the vault's value, WAD.
library BudgetLib {
    using FixedPointLib for uint256;

    uint256 private constant WAD_PER_PPM = 1e12;

    /// @return Of the budget still used, `elapsed` seconds after `used` was.
    function usedNow(uint256 used, uint256 budgetPpm, uint256 elapsed, uint256 window) internal pure returns (uint256) {
        uint256 refilled = (budgetPpm * WAD_PER_PPM).mulDivDown(elapsed, window);
        return used > refilled ? used - refilled : 0;
    }

    /// @return What can be used more. Zero also where the budget has since been lowered below what is used.
    function left(uint256 used, uint256 budgetPpm) internal pure returns (uint256) {
        uint256 budget = budgetPpm * WAD_PER_PPM;
        return used < budget ? budget - used : 0;
    }
}
