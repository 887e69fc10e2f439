export {
  type AssetEffect,
  BadModelError,
  type Layer,
  modelBytes,
  modelId,
  type NetworkArtefact,
  readModel,
} from "./artefact.ts";
export { exitProbability, expectedExitTime, MONITORING_SHIFT, type Passage } from "./breach.ts";
export {
  BREACH_INPUTS,
  BREACH_OUTPUTS,
  type BreachScorer,
  BreachShapeError,
  readBreachNetwork,
  ScoreRangeError,
  stateFeatures,
  toBreachScorer,
  type VaultWeights,
} from "./breach-score.ts";
export { type BreachTime, weightBreachTimes } from "./breach-time.ts";
export { type CostModel, forecastCosts, transformOf } from "./cost-models.ts";
export type { CostDistribution, CostsAhead, SeriesAhead } from "./costs-ahead.ts";
export type { CostHorizonScore, CostsReport } from "./costs-report.ts";
export {
  type BreachProbability,
  type BreachRequest,
  calibrate,
  covarianceOver,
  rawLogit,
  relativeVariance,
  UnknownAssetError,
  varianceOver,
  weightBreachProbabilities,
} from "./drift.ts";
export {
  ewmaCorrelation,
  ewmaVariance,
  hourlyLambda,
  lambdaOfHalfLife,
  RISKMETRICS_DAILY_LAMBDA,
} from "./ewma.ts";
export {
  AssetIdError,
  assetId,
  type FeatureRow,
  featureBytes,
  featureLeaf,
  featuresProof,
  featuresRoot,
  isFeatureProof,
  MARKET_ASSET_ID,
  toFeatureRows,
} from "./feature-tree.ts";
export {
  barsPerHour,
  FEATURE_COUNT,
  FEATURE_NAMES,
  featureIndex,
  featureRows,
  featureRowsAt,
  LOOKBACK_HOURS,
  lookbackBars,
  type MarketMeasures,
  ShortSnapshotError,
  toMarketMeasures,
  UnsupportedIntervalError,
} from "./features.ts";
export {
  type Forecast,
  forecastBytes,
  forecastHash,
  HORIZONS_HOURS,
  QUANTILE_LEVELS,
  quantise,
} from "./forecast.ts";
export { ForecastRangeError } from "./forecast-range.ts";
export {
  BadReturnError,
  BadStartVarianceError,
  ConstantReturnsError,
  fitGarch,
  type GarchDistribution,
  type GarchFit,
  type GarchModel,
  GarchNotConvergedError,
  type GarchOptions,
  type GarchParameter,
  type GarchParameterName,
  type GarchStartUp,
  MIN_GARCH_RETURNS,
  TooFewReturnsError,
} from "./garch.ts";
export {
  filterVariance,
  forecastGarchRows,
  forecastVariance,
  nextVariance,
  persistenceOf,
} from "./garch-forecast.ts";
export type { GarchKind } from "./garch-likelihood.ts";
export {
  BadHarOptionsError,
  BadMeasureError,
  fitHar,
  forecastHarRows,
  type HarModel,
  type HarOptions,
  MIN_HAR_ROWS_PER_TERM,
  NoHarHistoryError,
  NoVarianceError,
  predictHar,
  TooFewPeriodsError,
} from "./har.ts";
export {
  BadIntradayReturnError,
  type RealisedMeasure,
  type RealisedMeasures,
  realisedMeasures,
  UnevenPeriodsError,
} from "./har-measures.ts";
export { CORSI_LAGS, HAR_KINDS, type HarKind } from "./har-terms.ts";
export {
  BadSeriesValueError,
  fromTransformed,
  type HourlySeries,
  type PublishedSeries,
  type SeriesTransform,
  toHourlySeries,
  toTransformed,
} from "./hourly-series.ts";
export {
  type IntegerLayer,
  type IntegerNetwork,
  type Runner,
  toRunner,
} from "./integer-network.ts";
export {
  BadNetworkError,
  holderCode,
  type NetworkFault,
  networkBytes,
  networkId,
  readNetwork,
} from "./integer-network-bytes.ts";
export {
  type ExportRequest,
  exportNetwork,
  foldStandardisation,
  NetworkNotExportableError,
} from "./integer-network-export.ts";
export { choleskySolve } from "./leastsquares.ts";
export { fitLogHar, LOG_HAR_LAGS, type LogHar, predictLogHar } from "./loghar.ts";
export {
  type Backend,
  BadManifestError,
  type BreachNetworkReport,
  type BreachSkill,
  type CalibrationReport,
  FORECASTERS,
  type ForecasterName,
  type HorizonScore,
  type ModelManifest,
  manifestBytes,
  readManifest,
} from "./manifest.ts";
export {
  FEATURE_FRACTION_BITS,
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  type MarketTable,
  marketFeatures,
  marketFeaturesAt,
  toExactMeasures,
  toMarketTable,
} from "./market-features.ts";
export {
  type Forecaster,
  type Forward,
  forecastWith,
  hourlyReturns,
  toForecaster,
  toForward,
} from "./network.ts";
export { scaledNormalInterval } from "./normal.ts";
export type { ObservedBin, OutOfSampleReport, SpanScore } from "./out-of-sample-report.ts";
export {
  type HourlyMeasures,
  parkinsonVariance,
  qlike,
  realisedVariance,
  toHourlyMeasures,
  VARIANCE_FLOOR_PER_HOUR,
} from "./realised.ts";
export {
  BadSeriesOptionError,
  COST_HORIZONS_HOURS,
  fitExogenous,
  fitSeries,
  forecastBaseFee,
  forecastExogenous,
  forecastSeries,
  MIN_SERIES_ROWS,
  type SeriesForecast,
  type SeriesModel,
  type SeriesOptions,
  type TargetForecast,
  TooShortSeriesError,
  UnknownExogenousError,
  UnknownHoursError,
} from "./series-forecast.ts";
export { SERIES_TARGETS, type SeriesRegression, type SeriesTarget } from "./series-regression.ts";
export { SERIES_LOOKBACK_HOURS } from "./series-terms.ts";
export {
  type FittedVariance,
  garchModel,
  harModel,
  type VarianceHistory,
  type VarianceModel,
  varianceModels,
} from "./variance-models.ts";
export {
  type LogitLaw,
  logitLaw,
  type WeightDistribution,
  type WeightRequest,
  weightDistributions,
} from "./weight-distribution.ts";
