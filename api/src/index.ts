export { type ApiOptions, createApi } from "./app.ts";
export type { Artefacts } from "./manifests.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Bars } from "./routes/bars.ts";
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
