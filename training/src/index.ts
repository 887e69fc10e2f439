export { BACKENDS, type Backend, type BackendName, chooseBackend, NoBackendError } from "./backend.ts";
export { CALIBRATION_VAULT, type Calibration } from "./calibration.ts";
export {
  ConstantSeriesError,
  type Dataset,
  NotFiniteError,
  TooLittleHistoryError,
  toDataset,
} from "./dataset.ts";
export { brierScore, brierSkill, type DieboldMariano, dieboldMariano, fitLogistic } from "./evaluate.ts";
export {
  type ArtefactStore,
  DEFAULT_TRAIN_CONFIG,
  LEAST_HISTORY_HOURS,
  type Manifest,
  storeModel,
  type TrainConfig,
  type TrainContext,
  type TrainedModel,
  train,
} from "./train.ts";
export { FORECASTERS, type Fold, type ForecasterName, type HorizonScore } from "./walkforward.ts";
