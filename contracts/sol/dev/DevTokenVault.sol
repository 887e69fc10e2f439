// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20, ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title OpenZeppelin's vault of one token as it is: what the gas of a deposit is measured against
contract DevTokenVault is ERC4626 {
    constructor(IERC20 asset_) ERC20("Vault of one token", "ONE") ERC4626(asset_) {}
}
