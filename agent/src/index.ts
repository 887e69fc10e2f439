export { auditDecision } from "./audit.ts";
export type { AuditMaterial, FeatureKit, Link } from "./audit-links.ts";
export { DECIDE_DEFAULTS, type DecideOptions, decide } from "./decide.ts";
export { evidenceOf, REFERENCES } from "./evidence.ts";
export { features } from "./features.ts";
export {
  EventTrimmedError,
  type Feed,
  type FeedEvent,
  FeedUnavailableError,
  TOPICS,
  type Topic,
  UnknownEventError,
} from "./feed/feed.ts";
export {
  type KeeperQueue,
  type KeeperQueueOptions,
  type KeeperTask,
  openKeeperQueue,
} from "./feed/keeper-queue.ts";
export { type MemoryFeedOptions, openMemoryFeed } from "./feed/memory-feed.ts";
export { openRedisFeed, type RedisFeedOptions } from "./feed/redis-feed.ts";
export { connectRedis, type LinkEvents, type RedisLink, RedisUnreachableError } from "./feed/redis-link.ts";
export {
  type DecisionInputs,
  decideAgain,
  MalformedInputsError,
  readInputs,
  toInputs,
} from "./inputs.ts";
export * from "./journal.ts";
export {
  JournalCorruptError,
  JournalFullError,
  JournalLockedError,
  JournalMissingError,
  JournalNewerError,
  JournalUnusableError,
} from "./journal-file.ts";
export { openJournal } from "./journal-sqlite.ts";
export { type KeeperOptions, runKeeper, type Settlement, settle } from "./keeper.ts";
export {
  createKeystore,
  EmptyPasswordError,
  InvalidKeyError,
  KeystoreExistsError,
  KeystoreMissingError,
  KeystoreUnreadableError,
  readKeystore,
  type UnlockedKey,
  WrongPasswordError,
} from "./keystore.ts";
export { type LoopPorts, type MarketWitness, runLoop, type Step } from "./loop.ts";
export { httpNotary, NotaryUnusableError } from "./notary-client.ts";
export { type CostBps, type Outcome, type OutcomeRecorder, outcomeRecorder } from "./outcome.ts";
export { type HoldingOutlook, outlookOf } from "./outlook.ts";
export { type Plan, planTrades } from "./plan.ts";
export {
  BadCppiError,
  type CppiParameters,
  checkCppi,
  cppiExposure,
  cppiFloor,
  fallToFloor,
  gapRisk,
} from "./policies/cppi.ts";
export type { PolicyDefinition } from "./policies/definition.ts";
export { toDestination, toDestinationWad } from "./policies/destination.ts";
export { REBALANCE_GAS } from "./policies/gas.ts";
export { type InsuredParameters, insuredPolicy } from "./policies/insured.ts";
export {
  BadNoTradeProblemError,
  type NoTradeProblem,
  type NoTradeRegion,
  noTradeRegion,
} from "./policies/no-trade.ts";
export {
  PolicyParameterError,
  UnknownPolicyError,
  UnknownPolicyParameterError,
} from "./policies/parameters.ts";
export {
  InvalidPolicyError,
  PREDICTIVE_DEFAULTS,
  type PredictiveParameters,
  predictivePolicy,
} from "./policies/predictive.ts";
export {
  BadReactivePolicyError,
  type ReactiveParameters,
  RULES,
  reactivePolicy,
  type TriggerWidth,
} from "./policies/reactive.ts";
export {
  BadTargetsError,
  checkFit,
  POLICIES,
  type PolicyRequest,
  policyOf,
  thresholdPolicy,
} from "./policies/registry.ts";
export {
  DegenerateCovarianceError,
  type SelectionCosts,
  selectTrades,
  shrinkToMeanCorrelation,
  type TrackingDiffusion,
  trackingDiffusion,
  trackingScale,
  trackingVariance,
  valueOfReset,
} from "./policies/tracking-risk.ts";
export {
  FIXED_THRESHOLD,
  gasFallOf,
  type TriggerSignals,
  type TriggerSurface,
  toSignals,
  triggerFactor,
  type VolatilitySource,
} from "./policies/trigger.ts";
export { stateHash } from "./state.ts";
export * from "./types.ts";
export type { Executable, Venue } from "./venue.ts";
export {
  decodeRebalance,
  encodeRebalance,
  NotARebalanceCallError,
  type RebalanceCall,
} from "./venues/calldata.ts";
export { VaultRejection } from "./venues/rejection.ts";
export { type VaultVenueOptions, vaultVenue } from "./venues/vault.ts";
export {
  EtherPriceMissingError,
  VaultMismatchError,
  VaultNotFoundError,
  VenueNotAllowedError,
} from "./venues/vault-errors.ts";
export { toVaultBooks, type VaultBooks } from "./venues/vault-state.ts";
export { isOutsideBand, navOf, toValue, weightsOf } from "./weights.ts";
