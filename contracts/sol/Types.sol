// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPriceFeed} from "./lib/OracleLib.sol";

/// One swap of the vault, between any two tokens it holds.
struct Trade {
    /// An `IVenue` on the vault's list.
    address venue;
    address tokenIn;
    address tokenOut;
    /// Smallest unit of tokenIn.
    uint256 amountIn;
    /// Smallest unit of tokenOut.
    uint256 minAmountOut;
    /// The venue's own: which pools, in which order.
    bytes route;
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
    /// Of the breach network, the code hash of the contract that holds it. Zero: none, then only a weight outside its
    /// band justifies a trade.
    bytes32 modelId;
    bytes32 forecastHash;
    bytes32 policyId;
    /// Probability that a weight leaves its band within the policy's horizon, parts per million.
    uint32 breachPpm;
    /// Index of the token whose weight is about to leave its band; 0 is the base asset.
    uint8 holding;
    /// keccak256(abi.encode(Trade[])).
    bytes32 tradesHash;
}

/// What comes with a decision to the vault.
struct Evidence {
    /// Of the decision's attestation on chain, or zero.
    bytes32 uid;
    /// Else of its attestation off chain (EAS, version 2): r, s, v, 65 bytes.
    bytes signature;
    /// Root of the Merkle tree of all assets' features (OpenZeppelin standard).
    bytes32 featuresRoot;
    /// Of `holding`'s asset: 20 int16, big-endian, 10 fraction bits. Empty in a reactive rebalance.
    bytes features;
    /// Merkle proof of the leaf (assetId, features).
    bytes32[] path;
    /// Over (inputRoot, featuresRoot, decidedAt): r, s, v, 65 bytes each, signers strictly ascending.
    bytes notarySignatures;
}

/// One token as the deployer describes it, fixed for the vault's life. The first is the base asset, in which
/// everything is valued.
struct TokenConfig {
    IERC20 token;
    /// Price in the quote currency that all feeds share, usually USD. The base asset's may be zero: then the
    /// base asset is taken for the quote currency itself, and a depeg goes unseen.
    IPriceFeed feed;
    /// Oldest acceptable answer of the feed, seconds.
    uint32 maxAge;
    /// Bounds of the feed's answer, WAD of the quote currency.
    uint128 minPrice;
    uint128 maxPrice;
    /// Uniswap v3 pool of the token against the base asset, whose time-weighted price the feed's must agree with.
    /// Zero: no cross-check (always zero for the base asset).
    address pool;
    /// Ticker in ASCII, left-aligned: names the asset in the tree of features. Zero for the base asset, whose row is
    /// the market's.
    bytes32 assetId;
}

/// A token with what was read from its contracts when the vault was deployed.
struct Holding {
    IERC20 token;
    uint8 decimals;
    IPriceFeed feed;
    uint8 feedDecimals;
    uint32 maxAge;
    uint128 minPrice;
    uint128 maxPrice;
    address pool;
    /// Whether the token is the pool's token0.
    bool isToken0;
    bytes32 assetId;
}

/// Where the holding should be. Two to a storage slot.
struct Target {
    /// Share of the vault's value, WAD; all together exactly 1e18.
    uint64 weight;
    /// Half-width of the band around it, WAD.
    uint64 band;
}

/// What the owner may change, behind the timelock. Shares are parts per million of the vault's value unless said.
/// Two storage slots: the first is read by a rebalance alone, the second by deposits too.
///
///  slot 0 | cooldown | budgetWindow | maxTurnover | turnoverBudget | maxSlippage | lossBudget | crossTolerance | probationTurnover |
///  slot 1 | maxDecisionAge | probation | twapWindow | maxDisagreement | entryFee | exitFee | minScore | scoreHorizon | notaryThreshold |
struct Settings {
    /// Seconds from one rebalance to the next.
    uint32 cooldown;
    /// Seconds in which a wholly used budget is whole again, linearly.
    uint32 budgetWindow;
    /// Value of one rebalance's tokenIn.
    uint32 maxTurnoverPpm;
    /// The same, of all rebalances, decaying.
    uint32 turnoverBudgetPpm;
    /// Shortfall of what one trade receives against the oracle price, fees included; ppm of the trade.
    uint32 maxSlippagePpm;
    /// Loss of value at oracle prices of all rebalances, decaying.
    uint32 lossBudgetPpm;
    /// How far a rebalance may take a weight across its target.
    uint32 crossTolerancePpm;
    /// Value of one rebalance's tokenIn while its model is on probation.
    uint32 probationTurnoverPpm;
    /// Oldest decision that is carried out, seconds since `decidedAt`.
    uint32 maxDecisionAge;
    /// Seconds of probation from a model's registration.
    uint32 probation;
    /// Seconds over which the pools' price is averaged.
    uint32 twapWindow;
    /// Distance of the oracle's price from the pool's; ppm of the oracle's.
    uint32 maxDisagreementPpm;
    /// Of a deposit and of a withdrawal in base, left to the holders; ppm of the amount. Entry: at least the share of
    /// the risky tokens times the largest lag that feeds and averages share.
    uint32 entryFeePpm;
    uint32 exitFeePpm;
    /// Least breach score that justifies a trade while every weight is in its band; 10 fraction bits.
    int32 minScore;
    /// Which of the network's outputs: 0 for 1 h, 1 for 4 h, 2 for 24 h, 3 for 168 h.
    uint8 scoreHorizon;
    /// How many notaries must have signed the market data of a forecast.
    uint8 notaryThreshold;
}

/// What has been done. One storage slot.
struct Progress {
    uint40 sequence;
    uint40 lastDecidedAt;
    uint40 lastRebalanceAt;
    bool isPaused;
    /// Used of the two budgets as of `lastRebalanceAt`, shares of the vault's value, WAD.
    uint64 turnoverUsed;
    uint64 lossUsed;
}

/// A breach network that may justify trades.
struct Model {
    /// The contract whose code the network is.
    address holder;
    /// Unix seconds; zero: never registered.
    uint40 registeredAt;
    bool isActive;
    /// Of the model's own EAS attestation: the `refUID` of every decision made with it.
    bytes32 attestationUid;
}

/// What is fixed for the vault's life, as the deployer describes it.
struct Market {
    IEAS eas;
    /// Chainlink's L2 sequencer uptime feed, zero where there is no sequencer.
    IPriceFeed sequencerFeed;
    /// Seconds after the sequencer's return for which prices are not trusted.
    uint32 sequencerGrace;
    TokenConfig[] tokens;
}

/// The same, as contracts hold it.
struct FixedParts {
    IEAS eas;
    /// keccak256 of EAS's version: part of the domain of attestations off chain.
    bytes32 easVersionHash;
    IPriceFeed sequencerFeed;
    uint32 sequencerGrace;
    /// Contract whose code is the holdings.
    address store;
}

/// What the deployer settles at first and the owner may change later.
struct Setup {
    string name;
    string symbol;
    address owner;
    address guardian;
    /// Seconds from `submit` to execution.
    uint32 delay;
    /// A `Rebalancer`, which brings the market with it.
    address rebalancer;
    /// A `VaultLens`, which also checks the networks that are registered.
    address lens;
    Target[] targets;
    Settings settings;
    address[] attesters;
    address[] notaries;
    address[] venues;
}

/// All an agent needs to decide, in one call. The arrays run in the order of the tokens, base asset first.
struct VaultState {
    uint64 sequence;
    uint64 lastDecidedAt;
    uint64 lastRebalanceAt;
    bool paused;
    /// Not paused, sequencer up, and every pool's average agrees with its feed.
    bool isTradingAllowed;
    address[] tokens;
    bytes32[] assetIds;
    uint8[] decimals;
    uint256[] balances;
    /// One whole token in the base asset, WAD.
    uint256[] pricesWad;
    uint64[] targetWeights;
    uint64[] bands;
    /// Share of each token in the vault's value, WAD, rounded down.
    uint256[] weights;
    /// Uniswap v3 pools of the cross-check, and their fee tiers in hundredths of a bip; zero where there is none.
    address[] pools;
    uint24[] poolFees;
    /// Value of all tokens in the base asset, WAD.
    uint256 nav;
    /// Shares in circulation.
    uint256 totalSupply;
    /// Left of the budgets at this moment, shares of the vault's value, WAD.
    uint256 turnoverLeft;
    uint256 lossLeft;
    Settings settings;
}

/// One bound that `rebalance` would hold a decision to.
struct Guard {
    /// ASCII, left-aligned: the name of the error it would revert with.
    bytes32 name;
    /// Index of the trade or token where the guard is one trade's or one token's, else 0.
    uint256 index;
    uint256 limit;
    uint256 value;
    bool isBinding;
}
