export { type ApiOptions, createApi } from "./app.ts";
export type {
  BacktestFile,
  BacktestJob,
  BacktestJobs,
  BacktestRequest,
  BacktestResult,
  DataSet,
} from "./backtest-jobs.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Reexecution, VerifyReport } from "./reexecution.ts";
export type { Promotions } from "./routes/model-metrics.ts";
export type { Artefacts } from "./routes/models.ts";
export {
  AddressUnavailableError,
  listenOn,
  PortBusyError,
  type RunningApi,
  type StartOptions,
  startApi,
} from "./server.ts";
export type { Submitter } from "./submitter.ts";
export type { DecisionGuard, LiveVault, Vaults, VaultView } from "./vaults.ts";
