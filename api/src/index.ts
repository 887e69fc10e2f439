export { type ApiOptions, createApi } from "./app.ts";
export { createNotaryApi, type NotaryApiOptions } from "./notary.ts";
export type { Artefacts } from "./routes/models.ts";
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
