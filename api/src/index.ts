export { type ApiOptions, createApi } from "./app.ts";
export type { BacktestFile, BacktestJob, BacktestJobs, DataSet } from "./backtest-jobs.ts";
export type { Caller } from "./caller.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Artefacts } from "./routes/models.ts";
export { BACKTEST_STATES, BacktestRequest, type BacktestResult } from "./schemas/backtests.ts";
export {
  AddressUnavailableError,
  listenOn,
  PortBusyError,
  type RunningApi,
  type StartOptions,
  startApi,
} from "./server.ts";
