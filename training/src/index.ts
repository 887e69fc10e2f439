export { type BackendName, chooseBackend, NoBackendError } from "./backend.ts";
export { affordablePart, type PartialOrder } from "./backtest/affordable-part.ts";
export {
  type LiquidationProblem,
  type LiquidationSchedule,
  liquidationSchedule,
} from "./backtest/almgren-chriss.ts";
export { compareFrontiers, gapClosed, poolFolds } from "./backtest/comparison.ts";
export { budgetOf, type ContestOptions, type Frontiers, toContender } from "./backtest/contest.ts";
export { type CppiRun, cppiGapRisk, simulateCppi } from "./backtest/cppi.ts";
export { type Execution, NoVenueError, type SwapCosts, totalOf } from "./backtest/execution.ts";
export { FAMILIES, type Family } from "./backtest/families.ts";
export {
  depthWithin,
  IMPACT_PREFACTOR,
  type ImpactVenue,
  impactExecution,
  LARGEST_PARTICIPATION,
  type Liquidity,
  squareRootImpact,
  toRootImpact,
} from "./backtest/impact-book.ts";
export {
  type DelayCost,
  type DelayedThreshold,
  type DelayedTrade,
  delayedThresholdCost,
  delayShortfall,
} from "./backtest/latency.ts";
export {
  MissingPriceError,
  type SimMarket,
  toSimMarket,
  UnequalBarsError,
  WeightsNotOneError,
} from "./backtest/market.ts";
export { mevAllowance, type Route } from "./backtest/mev.ts";
export { type Leg, netThroughBase, type PairOrder } from "./backtest/netting.ts";
export { type BookLevel, type BookVenue, bookExecution, type OrderBook } from "./backtest/order-book.ts";
export {
  BadPoolError,
  PoolExhaustedError,
  type PoolState,
  poolDepth,
  type Swap,
  swapExactIn,
} from "./backtest/pool.ts";
export {
  type PoolExecutionOptions,
  type PoolReserve,
  type PoolTicks,
  type PoolVenue,
  poolExecution,
} from "./backtest/pool-execution.ts";
export { MAX_TICK, sqrtPriceOfTick } from "./backtest/pool-math.ts";
export {
  type Fold as TuningFold,
  LedgerCorruptError,
  openScoreLedger,
  RepeatedWindowError,
  runProtocol,
  type ScoreLedger,
  TunedOnScoredError,
  toExpandingFolds,
  UnequalBudgetError,
  type Window,
} from "./backtest/protocol.ts";
export { type RiskColumns, toRiskColumns } from "./backtest/risk-columns.ts";
export {
  BadRuleError,
  BandOverlapsZeroError,
  type ReactiveRule,
  type SimCosts,
  type SimOptions,
} from "./backtest/rule.ts";
export type { Arena } from "./backtest/shapes.ts";
export {
  type GasColumns,
  gasSignals,
  unknownGas,
  volatilitySignals,
} from "./backtest/signals.ts";
export { RuinedError, type SimBlocks, type SimResult, TradeExceedsPoolError } from "./backtest/sim-result.ts";
export { simulate } from "./backtest/simulate.ts";
export { planSlices, type SlicePlan, type SlicingProblem } from "./backtest/slicing.ts";
export {
  abdiRanaldoSpread,
  corwinSchultzSpread,
  type RangeBars,
  type SpreadEstimate,
} from "./backtest/spread-estimators.ts";
export { type RuleSweep, SweepThreadError, sweepRules } from "./backtest/sweep.ts";
export { type LiquidityBars, trailingLiquidity } from "./backtest/trailing-liquidity.ts";
export {
  type AttestationKind,
  type FrictionRates,
  lossVersusRebalancing,
  type RebalanceGas,
  rebalanceGas,
  toFeeRate,
  toGasDollars,
  VAULT_GAS,
  weightedPoolLoss,
} from "./backtest/true-costs.ts";
export { type BreachNetworkFit, type BreachNetworkRequest, fitBreachNetwork } from "./breach-network.ts";
export { toBreachScores } from "./breach-skill.ts";
export { type BreachOutcomes, CALIBRATION_VAULT, toBreachOutcomes, toCalibrated } from "./calibration.ts";
export {
  type Challenge,
  type ChallengeRequest,
  challenge,
  judge,
  LEAST_CHALLENGE_HOURS,
  type Verdict,
  WindowTooShortError,
} from "./challenge.ts";
export { type CheckedPart, checkRoot, checkTraining, toTrainConfig } from "./check.ts";
export {
  formatTrainingPlan,
  readSetting,
  readTrainingFile,
  type TrainingFile,
  type TrainingPlan,
  toTrainingPlan,
} from "./config.ts";
export { type Basket, DEFAULT_NAV, toVolatility } from "./contest/arenas.ts";
export { BadBaseFeesError } from "./contest/base-fees.ts";
export { BadBasketError, NotInBarsError, parseBasket, requireBars, showBasket } from "./contest/basket.ts";
export { type Hours, loadHours, NotHourlyError, presentOf } from "./contest/hours.ts";
export { openKept, openResumedLedger } from "./contest/kept.ts";
export type { ContestPlan, Ground } from "./contest/plan.ts";
export { type ContestReport, toContestColumns, toContestReport } from "./contest/report.ts";
export { runContest } from "./contest/run.ts";
export type { Scores } from "./contest/scores.ts";
export { NoBaseFeesError, TooShortError, toMainnet, toRollup, type Venue } from "./contest/venues.ts";
export { type CostScore, type CostWalk, scoreCosts } from "./costs.ts";
export { cutAt } from "./cut.ts";
export {
  ConstantSeriesError,
  type Dataset,
  NotFiniteError,
  TooLittleHistoryError,
  toDataset,
} from "./dataset.ts";
export { type Drift, findDrift, LEAST_DRIFT_HOURS } from "./drift.ts";
export {
  type BootstrapInterval,
  type BootstrapOptions,
  bootstrapInterval,
  optimalMeanBlock,
} from "./evaluation/bootstrap.ts";
export {
  type ConfidenceSetOptions,
  type ModelConfidenceSet,
  modelConfidenceSet,
} from "./evaluation/confidenceset.ts";
export {
  type Christoffersen,
  christoffersen,
  intervalCoverage,
  kupiec,
  toMisses,
} from "./evaluation/coverage.ts";
export { crpsFromQuantiles, crpsFromSamples, crpsLogNormal, crpsNormal } from "./evaluation/crps.ts";
export {
  type DieboldMariano,
  dieboldMariano,
  panelDieboldMariano,
  toPanelMean,
} from "./evaluation/dieboldmariano.ts";
export {
  type ChiSquareTest,
  chiSquareSurvival,
  normalCdf,
  normalQuantile,
  studentTTwoSided,
} from "./evaluation/distributions.ts";
export { neweyWestLag } from "./evaluation/hac.ts";
export { fitLogistic } from "./evaluation/logistic.ts";
export {
  absoluteLogError,
  intervalScore,
  type Loss,
  pinballLoss,
  qlikeNoiseFloor,
  squaredError,
  toLosses,
} from "./evaluation/losses.ts";
export {
  ConstantForecastError,
  type MincerZarnowitz,
  mincerZarnowitz,
} from "./evaluation/mincerzarnowitz.ts";
export {
  type Berkowitz,
  berkowitz,
  type KolmogorovSmirnov,
  kolmogorovSmirnov,
  pitFromQuantiles,
  pitFromSamples,
  pitHistogram,
} from "./evaluation/pit.ts";
export {
  areaUnderCurve,
  type Binning,
  type BrierDecomposition,
  brierDecomposition,
  brierScore,
  brierSkill,
  expectedCalibrationError,
  logScore,
  type ReliabilityBin,
  reliabilityTable,
} from "./evaluation/probability.ts";
export {
  NonFiniteSampleError,
  OutOfRangeError,
  TooFewObservationsError,
  UnequalLengthsError,
} from "./evaluation/sample.ts";
export {
  type Cusum,
  calibrationCusum,
  cusum,
  featureStability,
  populationStability,
  twoSampleKolmogorovSmirnov,
} from "./evaluation/stability.ts";
export { DatasetChangedError, type FreezeOptions, freeze, whileFrozen } from "./freeze.ts";
export {
  type JobQueue,
  openJobQueue,
  type QueuedJob,
  startJobWorker,
} from "./jobs/job-queue.ts";
export { queueRunner, startQueueWorker } from "./jobs/queue.ts";
export { RedisGoneError } from "./jobs/redis.ts";
export { openTrialThreads, threadRunner } from "./jobs/threads.ts";
export { type Trial, TrialFailedError, type TrialResult, type TrialRunner } from "./jobs/trial.ts";
export { installNative, type NativeBuild, type NativeBuildOptions, removeNative } from "./native/build.ts";
export type { PanelMarket } from "./panel.ts";
export { NotComparableError, RecordNamesError } from "./replay/comparable.ts";
export {
  type CompareOptions,
  type Comparison,
  compareRecords,
  type PolicyComparison,
} from "./replay/compare.ts";
export {
  type BacktestFile,
  type BacktestPlan,
  readBacktestFile,
  toBacktestPlan,
} from "./replay/config.ts";
export type { Step as BacktestStep } from "./replay/course.ts";
export { AssetMissingError, checkCoverage } from "./replay/coverage.ts";
export { PolicyFailedError } from "./replay/guard.ts";
export type { Difference, Estimate } from "./replay/inference.ts";
export { maxDrawdown, toDollars, toMetrics } from "./replay/metrics.ts";
export {
  type FrozenModel,
  fitLinearModel,
  type LinearFitConfig,
  type ModelPlan,
  ModelSawTheFutureError,
  type RetrainedModels,
} from "./replay/models.ts";
export {
  checkPlan,
  identityOf,
  periodOf,
  toPolicy,
  toPortfolio,
  toRetraining,
  toSpecs,
} from "./replay/plan.ts";
export { BadPortfolioError, type PaperAsset, type Portfolio } from "./replay/portfolio.ts";
export { AssetWithoutBarsError, BadTermsError, type GasTerms, type HaltedInterval } from "./replay/quotes.ts";
export { type ConstantRates, constantRates } from "./replay/rates.ts";
export { BadRecordError, readBacktestRecord } from "./replay/read-record.ts";
export type { BacktestColumns, BacktestRecord, BacktestTrade } from "./replay/record.ts";
export {
  type BacktestContext,
  type BacktestSpec,
  PeriodTooEarlyError,
  runBacktest,
} from "./replay/run.ts";
export {
  type ModelCache,
  openModelCache,
  openRunStore,
  RunChangedError,
  RunCorruptError,
  type RunStore,
} from "./replay/store.ts";
export { BadCostError, CostsExceedVaultError, type VaultTerms } from "./replay/vault.ts";
export { toHeadline as toBacktestHeadline } from "./report/backtestHeadline.ts";
export { toComparisonColumns, toComparisonJson } from "./report/backtestJson.ts";
export { toBacktestPage } from "./report/backtestPage.ts";
export { COMPARED, showFigure, showP } from "./report/backtestTable.ts";
export {
  dotChart,
  escapeHtml,
  type Shape,
  stackedBars,
  timeChart,
  toTicks,
} from "./report/chart.ts";
export { CONTEST_COLUMNS, toContestHeadline, toContestPage } from "./report/contestPage.ts";
export { MARK_SHAPES, PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE } from "./report/page.ts";
export { type TrainingReport, toTrainingReport } from "./report/training.ts";
export { toTrainingPage } from "./report/trainingPage.ts";
export type { Rows } from "./rows.ts";
export { BadConfigError } from "./schema.ts";
export { DeadAssetError, refuseUnsound, TokenChangedError } from "./soundness.ts";
export { openSweepJournal, SweepChangedError, SweepJournalError } from "./sweep/journal.ts";
export { DEFAULT_SPACE, readSpace, type SearchSpace } from "./sweep/space.ts";
export { NothingConvergedError, type SweepOutcome, sweep } from "./sweep/sweep.ts";
export {
  DEFAULT_TRAIN_CONFIG,
  type Evaluated,
  LEAST_HISTORY_HOURS,
  storeModel,
  type TrainConfig,
  type TrainContext,
  type TrainedModel,
  train,
} from "./train.ts";
export { type Fold, type OutOfSample, scoreForecasts, toFolds, walkForward } from "./walkforward.ts";
