import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { openJournal } from "@ballast/agent";
import { AddressUnavailableError, openJournalFeed, PortBusyError, startApi } from "@ballast/api";
import { BallastError, isBarStore, openArtefactStore, openBarStore } from "@ballast/data";
import { describeExpiry, findChampion } from "./champion.ts";
import { newestRun } from "./folders.ts";
import { openSharedFeed } from "./publisher.ts";
import { servedBars, servedSnapshots } from "./servedMarket.ts";
import type { Terminal } from "./terminal.ts";

/** Where the API listens unless told otherwise: this machine alone. */
const HOST = "127.0.0.1";

export interface ServeOptions {
  readonly journal?: string;
  readonly artefacts: string;
  readonly store?: string;
  readonly host: string;
  readonly port: number;
  readonly redis?: string;
}

export class NothingToServeError extends BallastError {
  readonly code = "NOTHING_TO_SERVE";
  constructor() {
    super("There is no run here yet. Make one with `npm run demo`, or name a journal with --journal.");
  }
}

export async function runServe(options: ServeOptions, terminal: Terminal): Promise<void> {
  const journal = options.journal ?? newestRun(".ballast/demo")?.journal;
  if (journal === undefined) throw new NothingToServeError();
  await serveUntilStopped({ ...options, journal, terminal });
}

/** Errors: PortBusyError, AddressUnavailableError where this user may not listen there. */
export async function checkPort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, HOST), "listening");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new PortBusyError(HOST, port);
    throw new AddressUnavailableError(HOST, port, code);
  }
  probe.close();
  await once(probe, "close");
}

/** Serves a journal and its artefacts over HTTP until the user stops it, then finishes what is in flight. */
export async function serveUntilStopped(request: {
  readonly journal: string;
  readonly artefacts: string;
  /** Folder of a store of bars; without it no bars are served. */
  readonly store?: string;
  readonly host?: string;
  readonly port: number;
  /** Where events come from; the journal where absent. */
  readonly redis?: string;
  readonly terminal: Terminal;
}): Promise<void> {
  const { terminal } = request;
  const journal = openJournal(request.journal, { readOnly: true });
  const artefacts = await openArtefactStore(request.artefacts);
  const closing: { close(): void | Promise<void> }[] = [journal, artefacts];
  const { store } = request;
  const barStore = store !== undefined && (await isBarStore(store)) ? await openBarStore(store) : undefined;
  if (barStore !== undefined) closing.push(barStore);
  try {
    const feed =
      request.redis === undefined
        ? openJournalFeed(journal, { onError: (error) => terminal.say(`The journal: ${error}`) })
        : await openSharedFeed(request.redis, terminal);
    closing.push(feed);
    const api = await startApi({
      journal,
      artefacts,
      feed,
      ...(barStore && { bars: servedBars(barStore) }),
      snapshots: servedSnapshots(join(dirname(request.journal), "snapshots")),
      port: request.port,
      ...(request.host && { host: request.host }),
    });
    const champion = await findChampion(request.artefacts);
    if (champion !== undefined) terminal.say(describeExpiry(champion, Date.now()));
    terminal.step("Serving over HTTP; stop with Ctrl-C.");
    for (const path of [
      "/",
      "/docs",
      "/v1/decisions",
      "/v1/forecasts",
      "/v1/models",
      "/v1/stream",
      "/health",
    ])
      terminal.say(`${api.url}${path}`);
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    await api.close();
  } finally {
    for (const resource of closing.reverse()) await resource.close();
  }
}
