// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20, ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Fixed} from "./Fixed.sol";
import {IVault} from "./IVault.sol";
import {Models} from "./Models.sol";
import {Payments} from "./Payments.sol";
import {IRebalancer} from "./Rebalancer.sol";
import {Shares} from "./Shares.sol";
import {Decision, Evidence, Guard, Setup, Trade, VaultState} from "./Types.sol";
import {IVaultLens} from "./VaultLens.sol";
import {DecisionLib} from "./lib/DecisionLib.sol";

/// @title Holds tokens on target weights for the holders of its shares, and believes nothing
/// @notice A decision is carried out whole or refused whole: no field is ever clamped.
///
/// Promises, whoever calls and whatever they send:
/// - tokens leave to those who burn shares for them, or through a listed venue in the trades of a decision attested for
///   this chain and this vault, alive at that moment, and never executed before;
/// - it trades when a weight is outside its band, or when an active network, run here and now on market features that
///   enough notaries signed and on weights that the vault computes itself, says that one is about to leave it;
/// - each trade sells what is above target or buys what is below, and none takes a weight across its target, or away
///   from it, by more than the tolerance;
/// - after a forecast, the holding that it is about ends nearer its target;
/// - turnover and loss, at oracle prices, stay within what one rebalance may do and within budgets that refill slowly;
/// - shares are redeemable for their part of every token at any time, paused or not, whatever the oracles say.
///
/// Absences, on purpose:
/// - No check of `reason`, `stateHash`, `forecastHash`, `policyId`, `breachPpm`: the signer answers for them and anyone
///   can recompute them; here they are bound by the decision's hash and nothing more.
/// - No check of the sender: a decision can be carried out by anyone, so that no single server has to be up. Whoever
///   does may surround the trades with their own in one transaction, and take what lies between the pool's price and
///   `minAmountOut`. Hence minimums close to the market, short expiries, and private relays.
/// - No defence of weights against deposits: whoever pays the entry fee can take one out of its band.
/// - No register of used attestations: a decision carries its sequence, and a sequence is consumed once.
/// - No allowance, ever: a venue is paid on its call back, for the swap under way and up to its amount.
/// - No change of tokens, feeds or pools: that is another vault, reached by redeeming in kind.
contract Vault is Shares, Payments {
    using DecisionLib for Decision;

    /// @inheritdoc IVault
    address public immutable rebalancer;

    constructor(Setup memory setup)
        Ownable(setup.owner)
        ERC20(setup.name, setup.symbol)
        ERC4626(IRebalancer(setup.rebalancer).holdings()[0].token)
        Models(setup.lens)
        Fixed(IRebalancer(setup.rebalancer).fixedParts())
    {
        rebalancer = setup.rebalancer;
        _setTargets(setup.targets, holdings());
        _setSettings(setup.settings);
        _setGuardian(setup.guardian);
        _setDelay(setup.delay);
        for (uint256 i; i < setup.attesters.length; ++i) {
            _setAttester(setup.attesters[i], true);
        }
        for (uint256 i; i < setup.notaries.length; ++i) {
            _setNotary(setup.notaries[i], true);
        }
        for (uint256 i; i < setup.venues.length; ++i) {
            _setVenue(setup.venues[i], true);
        }
    }

    /// @inheritdoc IVault
    function rebalance(Decision calldata, Trade[] calldata, Evidence calldata) external returns (uint256[] memory) {
        address rebalancer_ = rebalancer;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let isGood := delegatecall(gas(), rebalancer_, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            switch isGood
            case 0 { revert(data, returndatasize()) }
            default { return(data, returndatasize()) }
        }
    }

    // Views

    /// @inheritdoc IVault
    function state() external view nonReentrantView returns (VaultState memory) {
        _answer(abi.encodeCall(IVaultLens.state, (this)));
    }

    /// @inheritdoc IVault
    function guards(Decision calldata decision, Trade[] calldata trades)
        external
        view
        nonReentrantView
        returns (Guard[] memory)
    {
        _answer(abi.encodeCall(IVaultLens.guards, (this, decision, trades)));
    }

    /// @inheritdoc IVault
    function nav() external view nonReentrantView returns (uint256 total) {
        (, total,) = _positions();
    }

    /// @inheritdoc IVault
    function weights() external view nonReentrantView returns (uint256[] memory) {
        _answer(abi.encodeCall(IVaultLens.weights, (this)));
    }

    /// @inheritdoc IVault
    function minOut(address tokenIn, address tokenOut, uint256 amountIn) external view returns (uint256) {
        _answer(abi.encodeCall(IVaultLens.minOut, (this, tokenIn, tokenOut, amountIn)));
    }

    /// @inheritdoc IVault
    function decisionSchema() external pure returns (bytes32) {
        return DecisionLib.SCHEMA_UID;
    }

    /// @inheritdoc IVault
    function hashDecision(Decision calldata decision) external pure returns (bytes32) {
        return decision.hash();
    }

    /// @dev Ends the call with the lens's answer, or its refusal, as it is.
    function _answer(bytes memory question) private view {
        address lens_ = lens;
        assembly ("memory-safe") {
            let isGood := staticcall(gas(), lens_, add(question, 0x20), mload(question), 0, 0)
            let answer := mload(0x40)
            returndatacopy(answer, 0, returndatasize())
            switch isGood
            case 0 { revert(answer, returndatasize()) }
            default { return(answer, returndatasize()) }
        }
    }
}
