// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {IPriceFeed} from "./lib/OracleLib.sol";
import {Decision, Evidence, Guard, Holding, Model, Progress, Settings, Target, Trade, VaultState} from "./Types.sol";

/// @title What of a vault never changes
interface IFixed {
    /// @return The tokens with their oracles, base asset first.
    function holdings() external view returns (Holding[] memory);
    function eas() external view returns (IEAS);
    /// @return Chainlink's uptime feed of the rollup's sequencer; zero where there is none.
    function sequencerFeed() external view returns (IPriceFeed);
    function sequencerGrace() external view returns (uint32);
}

/// @title A vault of shares that trades on attested decisions only
/// @notice Beside ERC-4626, which it implements too.
/// @dev The errors are listed in the order in which `rebalance` checks.
interface IVault is IFixed {
    // Who and when

    error VaultPaused();
    error ForeignChain(uint256 decided, uint256 actual);
    error ForeignVault(address decided, address actual);
    error NotARebalance(uint8 action);
    error WrongSequence(uint64 decided, uint64 expected);
    error DecidedInFuture(uint64 decidedAt, uint256 timestamp);
    error OlderThanLastDecision(uint64 decidedAt, uint64 lastDecidedAt);
    error DecisionTooOld(uint64 decidedAt, uint256 timestamp, uint256 maxAge);
    error DecisionExpired(uint64 expiresAt, uint256 timestamp);
    error CoolingDown(uint256 readyAt, uint256 timestamp);
    error TradesNotDecided(bytes32 decidedHash, bytes32 tradesHash);

    // The model and the attestation

    error ModelNotActive(bytes32 modelId);
    error AttesterNotAllowed(address attester);
    error AttestationRevoked(bytes32 uid, uint64 revocationTime);
    error AttestationNotFound(bytes32 uid);
    error WrongSchema(bytes32 attested, bytes32 expected);
    error WrongRecipient(address attested, address expected);
    error WrongExpiration(uint64 attested, uint64 decided);
    error AttestedBeforeDecision(uint64 attestedAt, uint64 decidedAt);
    error WrongReference(bytes32 attested, bytes32 expected);
    error DecisionNotAttested(bytes32 attestedHash, bytes32 decisionHash);
    error WrongSignatureLength(uint256 length, uint256 expected);
    error InvalidSignature(uint256 index);

    // Oracles

    error SequencerDown(address feed);
    error SequencerJustUp(address feed, uint256 upSince, uint256 grace);
    error PriceNotPositive(address feed, int256 answer);
    error PriceInFuture(address feed, uint256 updatedAt, uint256 timestamp);
    error PriceTooOld(address feed, uint256 updatedAt, uint256 maxAge);
    error PriceRoundMissing(address feed);
    /// @param price Of one whole token in the quote currency, WAD.
    error PriceOutOfBounds(address feed, uint256 price, uint256 min, uint256 max);
    /// @param price Of one whole token in the base asset, WAD.
    error PriceTooSmall(address feed, uint256 price, uint256 min);
    /// @param oraclePrice Of one whole token in the base asset, WAD; likewise the pool's average.
    error PriceDisagreement(address pool, uint256 oraclePrice, uint256 averagePrice, uint256 maxDisagreementPpm);

    // May it trade

    error VaultEmpty();
    error ForecastMissing();
    error HoldingUnknown(uint256 holding, uint256 count);
    error NotariesMissing(uint256 signatures, uint256 threshold);
    error NotaryNotAllowed(address signer);
    error NotariesNotAscending(address signer, address previous);
    error FeaturesNotProven(bytes32 leaf, bytes32 featuresRoot);
    error ScoreTooLow(int256 score, int256 minScore);

    // What

    error WrongTradeCount(uint256 count, uint256 max);
    error VenueNotAllowed(uint256 trade, address venue);
    error TokenNotHeld(uint256 trade, address token);
    error SameToken(uint256 trade, address token);
    error NothingToSell(uint256 trade);
    error NotAboveTarget(uint256 trade, address tokenIn, uint256 weight, uint256 target);
    error NotBelowTarget(uint256 trade, address tokenOut, uint256 weight, uint256 target);
    error MinOutBelowOracle(uint256 trade, uint256 minAmountOut, uint256 floor);
    error TurnoverTooHigh(uint256 soldValue, uint256 maxValue);
    error TurnoverBudgetSpent(uint256 share, uint256 shareLeft);

    // What came of it

    error ReceivedTooLittle(uint256 trade, uint256 received, uint256 minAmountOut);
    error LostTooMuch(uint256 navBefore, uint256 navAfter, uint256 maxLoss);
    error LossBudgetSpent(uint256 share, uint256 shareLeft);
    error TargetCrossed(address token, uint256 weightBefore, uint256 weightAfter, uint256 target);
    error WeightPushedAway(address token, uint256 weightBefore, uint256 weightAfter, uint256 target);
    /// @param holding The one whose breach was forecast.
    error HoldingNotNearer(uint256 holding, uint256 weightBefore, uint256 weightAfter, uint256 target);

    // Payment to a venue

    error NotSwapping(address caller, address token);
    error PaidTooMuch(uint256 amount, uint256 left);

    // Shares

    error DepositTooSmall(uint256 assets);
    error DepositShort(uint256 assets, uint256 received);
    error SkipMaskTooWide(uint256 skipMask, uint256 count);

    // Settings

    error NotOwnerOrGuardian(address caller);
    error OwnershipNotRenounceable();
    error NotSubmitted(bytes32 id);
    error AlreadySubmitted(bytes32 id, uint256 executableAt);
    error TooEarly(bytes32 id, uint256 executableAt, uint256 timestamp);
    error TooLate(bytes32 id, uint256 executableUntil, uint256 timestamp);
    error EasVersionUnknown(address eas);
    error WrongTokenCount(uint256 count, uint256 max);
    error DuplicateToken(address token);
    error FeedMissing(address token);
    error PoolNotOfToken(address pool, address token);
    error PriceBoundsOutOfOrder(address token, uint128 minPrice, uint128 maxPrice);
    error WrongTargetCount(uint256 targets, uint256 tokens);
    error TargetsNotWhole(uint256 sum);
    error BandOutOfRange(address token, uint64 band);
    /// @param setting Name of the field, ASCII, left-aligned.
    error SettingOutOfRange(bytes32 setting, uint256 value, uint256 min, uint256 max);
    error WrongModelCode(bytes32 modelId, bytes32 codeHash);
    error WrongModelShape(uint256 inputs, uint256 outputs);
    /// @param inputBits Fraction bits, likewise outputBits.
    error WrongModelScale(uint256 inputBits, uint256 outputBits);

    /// @param uid Of the attestation, on chain or off.
    /// @param navBefore Value of all tokens in the base asset, WAD; likewise navAfter.
    /// @param soldValue Value of all trades' tokenIn in the base asset at oracle prices, WAD.
    event Rebalanced(
        uint64 indexed sequence,
        bytes32 indexed uid,
        bytes32 indexed decisionHash,
        address attester,
        bytes32 modelId,
        bytes32 policyId,
        uint8 reason,
        uint256 navBefore,
        uint256 navAfter,
        uint256 soldValue
    );
    event Traded(
        uint64 indexed sequence,
        address indexed tokenIn,
        address indexed tokenOut,
        address venue,
        uint256 amountIn,
        uint256 amountOut
    );
    event RedeemedInKind(
        address indexed caller, address indexed receiver, address indexed owner, uint256 shares, uint256[] amounts
    );
    event TokenAdded(address indexed token, address feed, address pool, bytes32 assetId);
    event TargetSet(address indexed token, uint64 targetWeight, uint64 band);
    event SettingsSet(Settings settings);
    event AttesterSet(address indexed attester, bool isAllowed);
    event NotarySet(address indexed notary, bool isAllowed);
    event VenueSet(address indexed venue, bool isAllowed);
    event ModelRegistered(bytes32 indexed modelId, address holder, bytes32 attestationUid);
    event ModelDeactivated(address indexed by, bytes32 indexed modelId);
    event GuardianSet(address indexed guardian);
    event DelaySet(uint32 delay);
    event PausedSet(address indexed by, bool isPaused);
    event Submitted(bytes32 indexed id, bytes data, uint256 executableAt);
    event Executed(bytes32 indexed id, address indexed by);
    event Revoked(bytes32 indexed id, address indexed by);

    // For keepers: anyone

    /// @notice Carries out an attested decision, whole or not at all.
    /// @dev Anyone may call: the authority lies in the attestation, not in the sender.
    /// @return amountsOut What each trade brought in, measured by the vault's own balance.
    function rebalance(Decision calldata decision, Trade[] calldata trades, Evidence calldata evidence)
        external
        returns (uint256[] memory amountsOut);

    // For holders, beside ERC-4626

    /// @notice Burns shares for their part of every token. Needs no price and works while paused.
    /// @param skipMask Bit i forfeits the part of token i to the other holders, where it cannot be moved.
    /// @return amounts Smallest units, in the order of the tokens.
    function redeemInKind(uint256 shares, address receiver, address owner, uint256 skipMask)
        external
        returns (uint256[] memory amounts);

    // For the owner, behind the timelock: `submit` the call's data, then anyone may make that very call

    function setSettings(Settings calldata settings) external;
    function setTargets(Target[] calldata targets) external;
    function setAttester(address attester, bool isAllowed) external;
    function setNotary(address notary, bool isAllowed) external;
    function setVenue(address venue, bool isAllowed) external;
    /// @param holder Contract whose code the network is.
    /// @param attestationUid Of the model's EAS attestation; every decision with the model refers to it.
    function registerModel(bytes32 modelId, address holder, bytes32 attestationUid) external;
    function setGuardian(address guardian) external;
    function setDelay(uint32 delay) external;
    /// @return id keccak256 of the data.
    function submit(bytes calldata data) external returns (bytes32 id);
    /// @notice Lets rebalances and deposits go on, at once. For the owner alone.
    function unpause() external;

    // For the guardian and the owner, at once

    function revoke(bytes32 id) external;
    function pause() external;
    function deactivateModel(bytes32 modelId) external;
    /// @notice Takes an address off the lists of attesters, notaries and venues.
    function strikeOff(address who) external;

    // Views

    /// @notice Reverts as `rebalance` would when a feed's answer is unusable, and not where a pool disagrees.
    function state() external view returns (VaultState memory);
    /// @notice What would bind if the decision were executed now, each trade receiving just its minimum.
    function guards(Decision calldata decision, Trade[] calldata trades) external view returns (Guard[] memory);
    /// @return Value of all tokens in the base asset, WAD.
    function nav() external view returns (uint256);
    /// @return Share of each token in the vault's value, WAD, rounded down; all zero in an empty vault.
    function weights() external view returns (uint256[] memory);
    /// @return Smallest `minAmountOut` that `rebalance` accepts for such a trade at present prices.
    function minOut(address tokenIn, address tokenOut, uint256 amountIn) external view returns (uint256);
    function targets() external view returns (Target[] memory);
    function settings() external view returns (Settings memory);
    function progress() external view returns (Progress memory);
    function model(bytes32 modelId) external view returns (Model memory);
    function isAttester(address attester) external view returns (bool);
    function isNotary(address notary) external view returns (bool);
    function isVenue(address venue) external view returns (bool);
    /// @return Unix seconds, from which on it may be made for two weeks; zero where nothing of that id is pending.
    function executableAt(bytes32 id) external view returns (uint256);
    function delay() external view returns (uint32);
    function guardian() external view returns (address);
    /// @return Contract that the vault runs its rebalances from.
    function rebalancer() external view returns (address);
    /// @return Contract that answers `state` and `guards`.
    function lens() external view returns (address);
    /// @return EAS schema UID that a decision's attestation must have.
    function decisionSchema() external pure returns (bytes32);
    /// @return keccak256 of the decision's ABI encoding.
    function hashDecision(Decision calldata decision) external pure returns (bytes32);
}
