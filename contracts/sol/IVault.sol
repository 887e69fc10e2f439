// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {ISwapRouter} from "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPriceFeed} from "./lib/OracleLib.sol";

/// One swap of the vault against its base asset, on Uniswap v3.
struct Trade {
    address tokenIn;
    address tokenOut;
    /// Fee tier of the pool in hundredths of a bip: 500 is 0.05 %.
    uint24 fee;
    /// Smallest unit of tokenIn.
    uint256 amountIn;
    /// Smallest unit of tokenOut.
    uint256 minAmountOut;
}

/// What an agent decided, for whom, on what evidence. Every field is static: the ABI encoding of this struct
/// is the attestation's data, and its hash names the decision.
struct Decision {
    uint256 chainId;
    address vault;
    /// The vault's last executed sequence + 1.
    uint64 sequence;
    /// 0 hold, 1 rebalance.
    uint8 action;
    uint8 reason;
    /// Close of the last bar the decision is made from, Unix seconds.
    uint64 decidedAt;
    /// Last second at which it may be executed, Unix seconds.
    uint64 expiresAt;
    bytes32 inputRoot;
    bytes32 stateHash;
    /// Zero where no forecast was used.
    bytes32 modelId;
    bytes32 forecastHash;
    bytes32 policyId;
    /// Probability that a weight leaves its band within the policy's horizon, parts per million.
    uint32 breachPpm;
    /// keccak256(abi.encode(Trade[])).
    bytes32 tradesHash;
}

/// One token as the deployer describes it. The first token is the base asset, in which everything is valued.
struct TokenConfig {
    IERC20 token;
    /// Price in the quote currency that all feeds share, usually USD. The base asset's may be zero: then the
    /// base asset is taken for the quote currency itself, and a depeg goes unseen.
    IPriceFeed feed;
    /// Oldest acceptable answer of the feed, seconds.
    uint24 maxAge;
    /// Fee tier of the token's pool against the base asset; 0 for the base asset.
    uint24 poolFee;
    /// Share of the vault's value; all together exactly 1e18.
    uint64 targetWeight;
    /// Half-width of the band around the target weight, WAD.
    uint64 band;
}

/// What one rebalance may do at most.
struct Limits {
    /// Seconds from one rebalance to the next. What a stolen signer's key can lose per day is `maxTurnover` times
    /// `maxSlippage` times the number of cooldowns in a day: without a cooldown, everything.
    uint32 cooldown;
    /// Value of all trades' tokenIn as a share of the vault's value, WAD.
    uint64 maxTurnover;
    /// Shortfall of what a trade receives against the oracle price, pool fee included, WAD.
    uint64 maxSlippage;
}

/// All an agent needs to decide, in one call. The arrays run in the order of the tokens, base asset first.
struct VaultState {
    uint64 sequence;
    bool paused;
    uint64 lastRebalanceAt;
    uint32 cooldown;
    uint64 maxTurnover;
    uint64 maxSlippage;
    address[] tokens;
    uint8[] decimals;
    uint256[] balances;
    /// One whole token in the base asset, WAD.
    uint256[] pricesWad;
    uint64[] targetWeights;
    uint64[] bands;
    uint24[] poolFees;
    uint64 lastDecidedAt;
}

/// @title A vault that trades on attested decisions only
/// @dev The errors are listed in the order in which `rebalance` checks.
interface IVault {
    // Who and when

    error VaultPaused();
    error ForeignChain(uint256 decided, uint256 actual);
    error ForeignVault(address decided, address actual);
    error NotARebalance(uint8 action);
    error WrongSequence(uint64 decided, uint64 expected);
    error DecidedInFuture(uint64 decidedAt, uint256 timestamp);
    error OlderThanLastDecision(uint64 decidedAt, uint64 lastDecidedAt);
    error DecisionExpired(uint64 expiresAt, uint256 timestamp);

    // The attestation

    error AttestationNotFound(bytes32 uid);
    error WrongSchema(bytes32 attested, bytes32 expected);
    error AttesterNotAllowed(address attester);
    error WrongRecipient(address attested, address expected);
    error AttestationRevoked(bytes32 uid, uint64 revocationTime);
    error WrongExpiration(uint64 attested, uint64 decided);
    error AttestedBeforeDecision(uint64 attestedAt, uint64 decidedAt);
    error DecisionNotAttested(bytes32 attestedHash, bytes32 decisionHash);

    // What

    error TradesNotDecided(bytes32 decidedHash, bytes32 tradesHash);
    error ModelNotAllowed(bytes32 modelId);
    error CoolingDown(uint256 readyAt, uint256 timestamp);
    error WrongTradeCount(uint256 count, uint256 max);
    error TokenNotHeld(uint256 trade, address token);
    error NotAgainstBase(uint256 trade, address tokenIn, address tokenOut);
    error WrongPoolFee(uint256 trade, uint24 fee, uint24 expected);
    error NothingToSell(uint256 trade);
    error MinOutBelowOracle(uint256 trade, uint256 minAmountOut, uint256 floor);
    error TurnoverTooHigh(uint256 soldValue, uint256 maxValue);

    // Oracles

    error PriceNotPositive(address feed, int256 answer);
    error PriceInFuture(address feed, uint256 updatedAt, uint256 timestamp);
    error PriceTooOld(address feed, uint256 updatedAt, uint256 maxAge);
    error PriceRoundMissing(address feed);
    /// @param price Of one whole token in the quote currency or in the base asset, WAD.
    error PriceTooSmall(address feed, uint256 price, uint256 min);

    // What came of it

    error ReceivedTooLittle(uint256 trade, uint256 received, uint256 minAmountOut);
    error LostTooMuch(uint256 navBefore, uint256 navAfter, uint256 maxLoss);
    error WeightPushedAway(address token, uint256 weightBefore, uint256 weightAfter, uint256 targetWeight);

    // Configuration

    error NotOwnerOrGuardian(address caller);
    error OwnershipNotRenounceable();
    error WrongTokenCount(uint256 count, uint256 max);
    error DuplicateToken(address token);
    error FeedMissing(address token);
    error BasePoolFeeNotZero(uint24 poolFee);
    error WrongTargetCount(uint256 targetWeights, uint256 bands, uint256 tokens);
    error TargetsNotWhole(uint256 sum);
    error BandOutOfRange(address token, uint64 band);
    error LimitsOutOfRange(uint64 maxTurnover, uint64 maxSlippage);

    /// @param navBefore Value of all tokens in the base asset, WAD.
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
        uint256 soldValue
    );
    event Traded(
        uint64 indexed sequence,
        address indexed tokenIn,
        address indexed tokenOut,
        uint24 fee,
        uint256 amountIn,
        uint256 amountOut
    );
    event Withdrawn(address indexed token, address indexed to, uint256 amount);
    event TokenAdded(address indexed token, address feed, uint24 maxAge, uint24 poolFee);
    event TargetSet(address indexed token, uint64 targetWeight, uint64 band);
    event LimitsSet(uint32 cooldown, uint64 maxTurnover, uint64 maxSlippage);
    event AttesterSet(address indexed attester, bool isAllowed);
    event ModelSet(bytes32 indexed modelId, bool isAllowed);
    event GuardianSet(address indexed guardian);
    event PausedSet(address indexed by, bool isPaused);

    /// @notice Carries out an attested decision, whole or not at all.
    /// @dev Anyone may call: the authority lies in the attestation, not in the sender. The sender chooses the
    /// moment between attestation and expiry, and what happens before and after in the same transaction.
    /// @param uid Of the decision's attestation in the EAS contract.
    /// @return amountsOut What each trade brought in, measured by the vault's own balance.
    function rebalance(bytes32 uid, Decision calldata decision, Trade[] calldata trades)
        external
        returns (uint256[] memory amountsOut);

    /// @notice Sends tokens to the owner. Works while paused and needs no oracle.
    function withdraw(IERC20 token, uint256 amount) external;

    /// @param targetWeights WAD, in the order of the tokens; the sum must be exactly 1e18.
    /// @param bands Half-widths, WAD.
    function setTargets(uint64[] calldata targetWeights, uint64[] calldata bands) external;
    function setLimits(Limits calldata limits) external;
    function setAttester(address attester, bool isAllowed) external;
    /// @param modelId Zero stands for decisions made without a forecast.
    function setModel(bytes32 modelId, bool isAllowed) external;
    function setGuardian(address guardian) external;
    /// @notice Stops rebalances. For the owner and the guardian.
    function pause() external;
    /// @notice Lets rebalances go on. For the owner alone.
    function unpause() external;

    /// @notice Reverts as `rebalance` would when an oracle answer is unusable.
    function state() external view returns (VaultState memory);
    /// @return Value of all tokens in the base asset, WAD.
    function nav() external view returns (uint256);
    /// @return Share of each token in the vault's value, WAD, rounded down; all zero in an empty vault.
    function weights() external view returns (uint256[] memory);
    /// @return Smallest `minAmountOut` that `rebalance` accepts for such a trade at present prices.
    function minOut(address tokenIn, address tokenOut, uint256 amountIn) external view returns (uint256);
    function tokenConfigs() external view returns (TokenConfig[] memory);
    function limits() external view returns (uint32 cooldown, uint64 maxTurnover, uint64 maxSlippage);
    function isAttesterAllowed(address attester) external view returns (bool);
    function isModelAllowed(bytes32 modelId) external view returns (bool);
    function guardian() external view returns (address);
    function eas() external view returns (IEAS);
    function router() external view returns (ISwapRouter);
    /// @return EAS schema UID that a decision's attestation must have.
    function decisionSchema() external pure returns (bytes32);
    /// @return keccak256 of the decision's ABI encoding.
    function hashDecision(Decision calldata decision) external pure returns (bytes32);
}
