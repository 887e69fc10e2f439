import { isoTime } from "@ballast/data";
import { formatUnits } from "ethers";
import { SETUP_EXPLANATIONS } from "./explanations-setup.ts";

/** Arguments of a contract's error by name. */
export type Values = Readonly<Record<string, unknown>>;
/** What an error means, and what to do, in one sentence. */
export type Explanations = Readonly<Record<string, (values: Values) => string>>;

const time = (seconds: unknown) => isoTime(Number(seconds) * 1000);
const amount = (wad: unknown) => formatUnits(wad as bigint, 18);
const score = (q10: unknown) => (Number(q10) / 1024).toFixed(3);
const percent = (wad: unknown) => `${(Number(wad) / 1e16).toFixed(3)} %`;

/** What each of the vault's errors means, and what to do. Every error of its ABI has an entry. */
export const EXPLANATIONS: Explanations = {
  ...SETUP_EXPLANATIONS,
  // Who and when
  VaultPaused: () => "the vault is paused; its owner can unpause it",
  ForeignChain: (v) =>
    `the decision is for chain ${v.decided} and the vault is on ${v.actual}; use the right endpoint`,
  ForeignVault: (v) =>
    `the decision is for vault ${v.decided} and was sent to ${v.actual}; use the right address`,
  NotARebalance: (v) => `action ${v.action} trades nothing; send rebalances only`,
  WrongSequence: (v) =>
    `the decision has sequence ${v.decided} and the vault expects ${v.expected}: it was executed already, or another ` +
    "decision came first; decide again from the vault's present state",
  DecidedInFuture: (v) =>
    `the decision is of ${time(v.decidedAt)} and the chain's clock stands at ${time(v.timestamp)}; set this machine's clock`,
  OlderThanLastDecision: (v) =>
    `the decision of ${time(v.decidedAt)} is not newer than the last executed one of ${time(v.lastDecidedAt)}; decide again`,
  DecisionTooOld: (v) =>
    `the decision of ${time(v.decidedAt)} is more than ${v.maxAge} s old at ${time(v.timestamp)}; decide again`,
  DecisionExpired: (v) =>
    `the decision expired at ${time(v.expiresAt)} and the chain's clock stands at ${time(v.timestamp)}; decide again`,
  // The attestation
  AttestationNotFound: (v) => `EAS knows no attestation ${v.uid}; attest the decision first`,
  WrongSchema: (v) =>
    `the attestation has schema ${v.attested} and the vault wants ${v.expected}; attest under that one`,
  AttesterNotAllowed: (v) =>
    `${v.attester} is not allowed to sign for this vault; its owner can allow it with setAttester`,
  WrongRecipient: (v) =>
    `the attestation is for ${v.attested}, not for the vault ${v.expected}; attest again`,
  WrongReference: (v) =>
    `the attestation refers to ${v.attested} and the model was registered with ${v.expected}; attest with that reference`,
  WrongSignatureLength: (v) =>
    `the signatures are ${v.length} bytes and ${v.expected} are expected; give r, s and v, 65 bytes each`,
  InvalidSignature: (v) =>
    `signature ${v.index} is none that any key can have made in the one form accepted; sign again, with a low s and v of 27 or 28`,
  ModelNotActive: (v) =>
    `model ${v.modelId} is not registered with the vault, or was deactivated; its owner can register it with registerModel`,
  AttestationRevoked: (v) => `attestation ${v.uid} was revoked at ${time(v.revocationTime)}; decide again`,
  WrongExpiration: (v) =>
    `the attestation expires at ${time(v.attested)} and the decision at ${time(v.decided)}; attest with the decision's expiry`,
  AttestedBeforeDecision: (v) =>
    `the decision of ${time(v.decidedAt)} was attested before that, at ${time(v.attestedAt)}; attest again`,
  DecisionNotAttested: (v) =>
    `the attestation is of ${v.attestedHash}, not of the decision ${v.decisionHash}: a field was changed; send the attested one`,
  // What
  TradesNotDecided: (v) =>
    `the trades hash to ${v.tradesHash} and ${v.decidedHash} was decided: a trade was changed; send the decided ones`,
  CoolingDown: (v) =>
    `the vault cools down until ${time(v.readyAt)} (now ${time(v.timestamp)}); decide again after that`,
  WrongTradeCount: (v) => `${v.count} trades, where 1 to ${v.max} are allowed; plan fewer`,
  TokenNotHeld: (v) =>
    `trade ${v.trade} names ${v.token}, which the vault does not hold; plan from the vault's own tokens`,
  NothingToSell: (v) => `trade ${v.trade} sells nothing; leave it out`,
  MinOutBelowOracle: (v) =>
    `trade ${v.trade} accepts ${v.minAmountOut} and the oracle's floor is ${v.floor}: the price moved since; decide again`,
  TurnoverTooHigh: (v) =>
    `the trades sell ${amount(v.soldValue)} and ${amount(v.maxValue)} of the base asset is the most at once; trade less`,
  TurnoverBudgetSpent: (v) =>
    `the trades would sell ${percent(v.share)} of the vault and ${percent(v.shareLeft)} is left of its turnover budget; trade ` +
    "less, or wait until it has grown again",
  VenueNotAllowed: (v) =>
    `trade ${v.trade} is at ${v.venue}, where the vault does not trade; its owner can allow it with setVenue`,
  SameToken: (v) => `trade ${v.trade} swaps ${v.token} for itself; leave it out`,
  NotAboveTarget: (v) =>
    `trade ${v.trade} sells ${v.tokenIn}, which is at ${percent(v.weight)} and not above its target ${percent(v.target)}; plan again`,
  HoldingNotNearer: (v) =>
    `holding ${v.holding} would go from ${percent(v.weightBefore)} to ${percent(v.weightAfter)}, no nearer its target ` +
    `${percent(v.target)}, and it is the one that was forecast to leave its band; plan again`,
  NotBelowTarget: (v) =>
    `trade ${v.trade} buys ${v.tokenOut}, which is at ${percent(v.weight)} and not below its target ${percent(v.target)}; plan again`,
  // May it trade
  VaultEmpty: () => "the vault holds nothing of value; deposit first",
  ForecastMissing: () =>
    "every weight is in its band, and the decision brings no breach network; wait for a breach, or decide with one",
  HoldingUnknown: (v) =>
    `the decision is for the sake of holding ${v.holding} and the vault has ${v.count}; decide again from its present state`,
  NotariesMissing: (v) =>
    `${v.signatures} notaries signed and the vault wants ${v.threshold}; ask more of them`,
  NotaryNotAllowed: (v) =>
    `${v.signer} is no notary of this vault, or signed another market; ask those the vault knows`,
  NotariesNotAscending: (v) =>
    `the notaries' signatures are out of order: ${v.signer} comes after ${v.previous}; sort them by signer, each once`,
  FeaturesNotProven: (v) =>
    `the proof does not lead from the features' leaf ${v.leaf} to ${v.featuresRoot}; prove them from the notarised market`,
  FeaturesOfWrongLength: (v) =>
    `the features are ${v.found} bytes and ${v.expected} are expected; prove them from the notarised market`,
  NotScorable: (v) =>
    `holding ${v.holding} at ${percent(v.weight)} has no score in its band around ${percent(v.target)}; decide again`,
  NetworkInput: (v) =>
    `the network was given ${v.found} inputs and takes ${v.expected}; register a network of the vault's shape`,
  NetworkPacked: (v) =>
    `${v.bytesFound} bytes of features do not fit into ${v.inputs} inputs; prove the features from the notarised market`,
  ScoreTooLow: (v) =>
    `the vault's own network scores ${score(v.score)} and at least ${score(v.minScore)} justifies a trade; wait, or decide again`,
  // Oracles
  PriceNotPositive: (v) => `price feed ${v.feed} answers ${v.answer}; wait until it answers a price`,
  PriceInFuture: (v) =>
    `price feed ${v.feed} is dated ${time(v.updatedAt)} and the chain's clock stands at ${time(v.timestamp)}; wait`,
  PriceTooOld: (v) =>
    `price feed ${v.feed} was last updated at ${time(v.updatedAt)}, more than ${v.maxAge} s ago; wait for an update`,
  PriceOutOfBounds: (v) =>
    `price feed ${v.feed} answers ${amount(v.price)}, outside ${amount(v.min)} to ${amount(v.max)}; look whether the feed is sound`,
  PriceDisagreement: (v) =>
    `the feed says ${amount(v.oraclePrice)} and pool ${v.pool} averaged ${amount(v.averagePrice)}, further apart than ` +
    `${v.maxDisagreementPpm} parts per million; wait until they agree`,
  SequencerDown: (v) => `the rollup's sequencer is down (${v.feed}); wait until it is up`,
  SequencerJustUp: (v) =>
    `the rollup's sequencer is up since ${time(v.upSince)} only (${v.feed}); wait ${v.grace} s from then`,
  PriceTooSmall: (v) =>
    `price feed ${v.feed} gives ${v.price} of 10^18 and the vault calculates with no less than ${v.min}; ` +
    "choose a base asset that is worth less",
  PriceRoundMissing: (v) => `price feed ${v.feed} has no complete round; wait for an update`,
  // What came of it
  ReceivedTooLittle: (v) =>
    `trade ${v.trade} brought ${v.received} and at least ${v.minAmountOut} was decided; decide again`,
  LostTooMuch: (v) =>
    `the trades would take the vault from ${amount(v.navBefore)} to ${amount(v.navAfter)} of the base asset and may cost ` +
    `${amount(v.maxLoss)}; trade less, or wait for deeper pools`,

  LossBudgetSpent: (v) =>
    `the trades would lose ${percent(v.share)} of the vault and ${percent(v.shareLeft)} is left of its loss budget; trade less, ` +
    "or wait until it has grown again",
  TargetCrossed: (v) =>
    `the trades would move ${v.token} from ${percent(v.weightBefore)} to ${percent(v.weightAfter)} of the vault, across its ` +
    `target ${percent(v.target)}; trade less`,
  WeightPushedAway: (v) =>
    `the trades would move ${v.token} from ${percent(v.weightBefore)} to ${percent(v.weightAfter)} of the vault, away from its ` +
    `target ${percent(v.target)}; plan again from the vault's present state`,
  // Of the venue
  WrongRouteLength: (v) =>
    `a route of ${v.length} bytes is none of the venue's; give 3, and 23 more for each further pool`,
  HopTokenNotHeld: (v) =>
    `the route passes through ${v.token}, which the vault does not hold; route around it`,
  PoolMissing: (v) => `there is no pool at ${v.pool}, where the route leads; choose another fee tier`,
  OutputTooSmall: (v) =>
    `the pool gives ${v.received} and at least ${v.minAmountOut} was decided: the price moved; decide again`,
  NotThePool: (v) =>
    `${v.caller} asked for payment and is not the pool of the swap; send the decided trades again`,
  PoolRanDry: (v) =>
    `pool ${v.pool} took ${v.taken} of ${v.amountIn} and ran dry; trade less, or route through another pool`,
  NotSwapping: (v) =>
    `${v.caller} asked for ${v.token} outside a swap of its own; nothing was paid, look who it is`,
  PaidTooMuch: (v) => `a venue asked for ${v.amount} where ${v.left} was left to pay; strike that venue off`,
  // Of the libraries below
  Error: (v) => `the exchange or a token refused: ${v.message}; prices may have moved, decide again`,
  Panic: (v) => `a contract failed with panic code ${v.code}; report it with the transaction`,
  SafeCastOverflowedUintToInt: (v) =>
    `${v.value} is too large for a signed word; look whether a price feed has gone mad`,
  SafeERC20FailedOperation: (v) =>
    `token ${v.token} refused a transfer or an approval; look whether it is paused`,
  ReentrancyGuardReentrantCall: () =>
    "a token called back into the vault during a trade; withdraw that token",
};
