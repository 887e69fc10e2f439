export {
  BadModelError,
  type Layer,
  modelBytes,
  modelId,
  type NetworkArtefact,
  readModel,
} from "./artefact.ts";
export { exitProbability, expectedExitTime, MONITORING_SHIFT, type Passage } from "./breach.ts";
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
  barsPerHour,
  FEATURE_COUNT,
  FEATURE_NAMES,
  featureIndex,
  featureRows,
  LOOKBACK_HOURS,
  lookbackBars,
  ShortSnapshotError,
  UnsupportedIntervalError,
} from "./features.ts";
export {
  type Forecast,
  ForecastRangeError,
  forecastBytes,
  forecastHash,
  HORIZONS_HOURS,
  quantise,
} from "./forecast.ts";
export { choleskySolve } from "./leastsquares.ts";
export { fitLogHar, LOG_HAR_LAGS, type LogHar, predictLogHar } from "./loghar.ts";
export {
  type Backend,
  BadManifestError,
  type CalibrationReport,
  FORECASTERS,
  type ForecasterName,
  type HorizonScore,
  type ModelManifest,
  manifestBytes,
  readManifest,
} from "./manifest.ts";
export {
  type Forecaster,
  type Forward,
  forecastWith,
  hourlyReturns,
  toForecaster,
  toForward,
} from "./network.ts";
export { parkinsonVariance, qlike, realisedVariance, VARIANCE_FLOOR_PER_HOUR } from "./realised.ts";
