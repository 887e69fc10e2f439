// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Fixed} from "./Fixed.sol";
import {IVault} from "./IVault.sol";
import {Holding, Progress, Settings, Target} from "./Types.sol";
import {WAD} from "./lib/FixedPointLib.sol";
import {State, StateLib} from "./lib/StateLib.sol";

/// @title Who may change what, and how soon
/// @notice What could hurt a holder takes the timelock, so that holders can leave before it; what protects them is at
/// once. The owner submits the data of a call, and once `delay` has passed anyone may make that very call, for two weeks:
/// a change kept in store for years could undo at once what the guardian did at once.
abstract contract Roles is Ownable2Step, Fixed, IVault {
    uint256 internal constant PPM = 1e6;
    /// Ten times the vault's value: more than a budget ever needs, and still below a uint64 in WAD.
    uint256 private constant MAX_BUDGET_PPM = 10e6;
    uint256 private constant MAX_FEE_PPM = 0.05e6;
    /// Of a trade its shortfall, of the value a window's loss and a crossing of a target: more would be the owner's to take.
    uint256 private constant MAX_COST_PPM = 0.1e6;
    uint256 private constant MIN_BUDGET_WINDOW = 1 hours;
    uint256 private constant MAX_DELAY = 30 days;
    /// How long a change stays executable.
    uint256 private constant LIFE_TIME = 14 days;

    /// @inheritdoc IVault
    address public guardian;
    /// @inheritdoc IVault
    uint32 public delay;
    /// @inheritdoc IVault
    mapping(bytes32 id => uint256) public executableAt;

    modifier timelocked() {
        _useSubmission();
        _;
    }

    modifier onlyOwnerOrGuardian() {
        if (msg.sender != owner() && msg.sender != guardian) revert NotOwnerOrGuardian(msg.sender);
        _;
    }

    // The timelock

    /// @inheritdoc IVault
    function submit(bytes calldata data) external onlyOwner returns (bytes32 id) {
        id = keccak256(data);
        uint256 readyAt = executableAt[id];
        if (readyAt != 0 && block.timestamp <= readyAt + LIFE_TIME) revert AlreadySubmitted(id, readyAt);
        readyAt = block.timestamp + delay;
        executableAt[id] = readyAt;
        emit Submitted(id, data, readyAt);
    }

    /// @inheritdoc IVault
    function revoke(bytes32 id) external onlyOwnerOrGuardian {
        if (executableAt[id] == 0) revert NotSubmitted(id);
        delete executableAt[id];
        emit Revoked(id, msg.sender);
    }

    function _useSubmission() private {
        bytes32 id = keccak256(msg.data);
        uint256 readyAt = executableAt[id];
        if (readyAt == 0) revert NotSubmitted(id);
        if (block.timestamp < readyAt) revert TooEarly(id, readyAt, block.timestamp);
        if (block.timestamp > readyAt + LIFE_TIME) revert TooLate(id, readyAt + LIFE_TIME, block.timestamp);
        delete executableAt[id];
        emit Executed(id, msg.sender);
    }

    // Behind it

    /// @inheritdoc IVault
    function setSettings(Settings calldata settings_) external timelocked {
        _setSettings(settings_);
    }

    /// @inheritdoc IVault
    function setTargets(Target[] calldata targets_) external timelocked {
        _setTargets(targets_, holdings());
    }

    /// @inheritdoc IVault
    function setAttester(address attester, bool isAllowed) external timelocked {
        _setAttester(attester, isAllowed);
    }

    /// @inheritdoc IVault
    function setNotary(address notary, bool isAllowed) external timelocked {
        _setNotary(notary, isAllowed);
    }

    /// @inheritdoc IVault
    function setVenue(address venue, bool isAllowed) external timelocked {
        _setVenue(venue, isAllowed);
    }

    /// @inheritdoc IVault
    function setGuardian(address guardian_) external timelocked {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IVault
    function setDelay(uint32 delay_) external timelocked {
        _setDelay(delay_);
    }

    /// @notice Reverts: without an owner nothing could be unpaused or changed again.
    function renounceOwnership() public pure override {
        revert OwnershipNotRenounceable();
    }

    // At once

    /// @inheritdoc IVault
    function pause() external onlyOwnerOrGuardian {
        StateLib.load().progress.isPaused = true;
        emit PausedSet(msg.sender, true);
    }

    /// @inheritdoc IVault
    function unpause() external onlyOwner {
        StateLib.load().progress.isPaused = false;
        emit PausedSet(msg.sender, false);
    }

    /// @inheritdoc IVault
    function strikeOff(address who) external onlyOwnerOrGuardian {
        State storage state = StateLib.load();
        if (state.isAttester[who]) _setAttester(who, false);
        if (state.isNotary[who]) _setNotary(who, false);
        if (state.isVenue[who]) _setVenue(who, false);
    }

    // Views

    /// @inheritdoc IVault
    function settings() external view returns (Settings memory) {
        return StateLib.load().settings;
    }

    /// @inheritdoc IVault
    function targets() external view returns (Target[] memory) {
        return StateLib.load().targets;
    }

    /// @inheritdoc IVault
    function progress() external view returns (Progress memory) {
        return StateLib.load().progress;
    }

    /// @inheritdoc IVault
    function isAttester(address attester) external view returns (bool) {
        return StateLib.load().isAttester[attester];
    }

    /// @inheritdoc IVault
    function isNotary(address notary) external view returns (bool) {
        return StateLib.load().isNotary[notary];
    }

    /// @inheritdoc IVault
    function isVenue(address venue) external view returns (bool) {
        return StateLib.load().isVenue[venue];
    }

    // Also for the constructor

    function _setSettings(Settings memory s) internal {
        _checkRange("budgetWindow", s.budgetWindow, MIN_BUDGET_WINDOW, type(uint32).max);
        _checkRange("maxTurnover", s.maxTurnoverPpm, 0, PPM);
        _checkRange("turnoverBudget", s.turnoverBudgetPpm, 0, MAX_BUDGET_PPM);
        _checkRange("maxSlippage", s.maxSlippagePpm, 0, MAX_COST_PPM);
        _checkRange("lossBudget", s.lossBudgetPpm, 0, MAX_COST_PPM);
        _checkRange("crossTolerance", s.crossTolerancePpm, 0, MAX_COST_PPM);
        _checkRange("probationTurnover", s.probationTurnoverPpm, 0, PPM);
        _checkRange("twapWindow", s.twapWindow, 1, type(uint32).max);
        _checkRange("maxDisagreement", s.maxDisagreementPpm, 0, PPM);
        _checkRange("entryFee", s.entryFeePpm, 0, MAX_FEE_PPM);
        _checkRange("exitFee", s.exitFeePpm, 0, MAX_FEE_PPM);
        _checkRange("scoreHorizon", s.scoreHorizon, 0, 3);
        _checkRange("notaryThreshold", s.notaryThreshold, 1, type(uint8).max);
        StateLib.load().settings = s;
        emit SettingsSet(s);
    }

    function _checkRange(bytes32 setting, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert SettingOutOfRange(setting, value, min, max);
    }

    function _setTargets(Target[] memory targets_, Holding[] memory held) internal {
        if (targets_.length != held.length) revert WrongTargetCount(targets_.length, held.length);
        Target[] storage stored = StateLib.load().targets;
        while (stored.length > 0) stored.pop();
        uint256 sum;
        for (uint256 i; i < held.length; ++i) {
            Target memory target = targets_[i];
            address token = address(held[i].token);
            if (target.band == 0 || target.band > WAD) revert BandOutOfRange(token, target.band);
            sum += target.weight;
            stored.push(target);
            emit TargetSet(token, target.weight, target.band);
        }
        if (sum != WAD) revert TargetsNotWhole(sum);
    }

    function _setAttester(address attester, bool isAllowed) internal {
        StateLib.load().isAttester[attester] = isAllowed;
        emit AttesterSet(attester, isAllowed);
    }

    function _setNotary(address notary, bool isAllowed) internal {
        StateLib.load().isNotary[notary] = isAllowed;
        emit NotarySet(notary, isAllowed);
    }

    function _setVenue(address venue, bool isAllowed) internal {
        StateLib.load().isVenue[venue] = isAllowed;
        emit VenueSet(venue, isAllowed);
    }

    function _setGuardian(address guardian_) internal {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    function _setDelay(uint32 delay_) internal {
        _checkRange("delay", delay_, 0, MAX_DELAY);
        delay = delay_;
        emit DelaySet(delay_);
    }
}
