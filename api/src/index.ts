export { type ApiOptions, createApi } from "./app.ts";
export { buildDashboard, DashboardBuildError } from "./build-dashboard.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Artefacts } from "./routes/models.ts";
export {
  AddressUnavailableError,
  listenOn,
  PortBusyError,
  type RunningApi,
  type StartOptions,
  startApi,
} from "./server.ts";
