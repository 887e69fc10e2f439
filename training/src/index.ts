export { type BackendName, chooseBackend, NoBackendError } from "./backend.ts";
export { CALIBRATION_VAULT } from "./calibration.ts";
export {
  ConstantSeriesError,
  type Dataset,
  NotFiniteError,
  TooLittleHistoryError,
  toDataset,
} from "./dataset.ts";
export { brierScore, brierSkill, type DieboldMariano, dieboldMariano, fitLogistic } from "./evaluate.ts";
export {
  DEFAULT_TRAIN_CONFIG,
  LEAST_HISTORY_HOURS,
  storeModel,
  type TrainConfig,
  type TrainContext,
  type TrainedModel,
  train,
} from "./train.ts";
