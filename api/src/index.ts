export { type ApiOptions, createApi } from "./app.ts";
export { AuditUnwritableError, appendAudit } from "./audit.ts";
export type {
  BacktestFile,
  BacktestJob,
  BacktestJobs,
  BacktestRequest,
  BacktestResult,
  DataSet,
} from "./backtest-jobs.ts";
export { buildDashboard, DashboardBuildError } from "./build-dashboard.ts";
export { ApiSettingError, SETTINGS, type SettingFacts, type Settings, toSettings } from "./config.ts";
export {
  BadKeyNameError,
  createKey,
  KeysBusyError,
  KeysExposedError,
  KeysUnreadableError,
  NoSuchKeyError,
  readKeys,
  revokeKey,
  SCOPES,
  type Scope,
} from "./keys.ts";
export type { Artefacts } from "./manifests.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Caller } from "./plugins/keys.ts";
export type { Reexecution, VerifyReport } from "./reexecution.ts";
export type { Bars } from "./routes/bars.ts";
export type { Promotions } from "./routes/model-metrics.ts";
export type { Snapshots } from "./routes/snapshots.ts";
export type { StreamOptions } from "./routes/streams.ts";
export {
  AddressUnavailableError,
  listenOn,
  PortBusyError,
  type RunningApi,
  type StartOptions,
  startApi,
} from "./server.ts";
export { eventText, toVaultState } from "./streams/event-text.ts";
export { type JournalFeedOptions, openJournalFeed } from "./streams/journal-feed.ts";
export type { Submitter } from "./submitter.ts";
export type { DecisionGuard, LiveVault, Vaults } from "./vaults.ts";
