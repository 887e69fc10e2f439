import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { openJournal } from "@ballast/agent";
import {
  AddressUnavailableError,
  buildDashboard,
  DashboardBuildError,
  openJournalFeed,
  PortBusyError,
  type Settings,
  startApi,
  toSettings,
} from "@ballast/api";
import { BallastError, isBarStore, openArtefactStore, openBarStore, openChampions } from "@ballast/data";
import { describeExpiry, findChampion } from "./champion.ts";
import { newestRun } from "./folders.ts";
import { openLiveVaults } from "./liveVaults.ts";
import { openSharedFeed } from "./publisher.ts";
import { openReexecution } from "./reexecution.ts";
import { servedBars, servedSnapshots } from "./servedMarket.ts";
import type { Terminal } from "./terminal.ts";

/** Where the API listens unless told otherwise: this machine alone. */
const HOST = "127.0.0.1";

export interface ServeOptions {
  readonly journal?: string;
  readonly artefacts: string;
  readonly store?: string;
  /** Folders of bars by name. */
  readonly data: Readonly<Record<string, string>>;
  readonly backtests: string;
  readonly backtestWorkers: number;
  readonly rpc?: string;
  /** Settings of the API, as text. */
  readonly [setting: string]: unknown;
}

export class NothingToServeError extends BallastError {
  readonly code = "NOTHING_TO_SERVE";
  constructor() {
    super("There is no run here yet. Make one with `npm run demo`, or name a journal with --journal.");
  }
}

export async function runServe(
  {
    journal = newestRun(".ballast/demo")?.journal,
    artefacts,
    store,
    data,
    backtests,
    backtestWorkers,
    rpc,
    ...options
  }: ServeOptions,
  terminal: Terminal,
): Promise<void> {
  const settings = toSettings(options, process.env);
  if (journal === undefined) throw new NothingToServeError();
  await serveUntilStopped({
    journal,
    artefacts,
    ...(store !== undefined && { store }),
    data,
    backtests,
    backtestWorkers,
    rpc,
    settings,
    terminal,
  });
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

/** The API serves programs without it, so that a machine that cannot build it is told and served all the same. */
async function dashboardOrNone(terminal: Terminal): Promise<string | undefined> {
  try {
    return await buildDashboard();
  } catch (error) {
    if (!(error instanceof DashboardBuildError)) throw error;
    terminal.say(error.message);
    return undefined;
  }
}

/** Serves a journal and its artefacts over HTTP until the user stops it, then finishes what is in flight. */
export async function serveUntilStopped(request: {
  readonly journal: string;
  readonly artefacts: string;
  /** Folder of a store of bars; without it no bars are served. */
  readonly store?: string;
  readonly settings: Partial<Settings>;
  /** Without bars no backtests are run. */
  readonly data?: Readonly<Record<string, string>>;
  readonly backtests?: string;
  readonly backtestWorkers?: number;
  /** Node that decisions are verified with. */
  readonly rpc?: string | undefined;
  readonly terminal: Terminal;
}): Promise<void> {
  const { terminal, data = {}, backtests: folder = ".ballast/backtests" } = request;
  const closing: { close(): void | Promise<void> }[] = [];
  const opened = <T extends { close(): void | Promise<void> }>(resource: T): T => {
    closing.push(resource);
    return resource;
  };
  try {
    const journal = opened(openJournal(request.journal, { readOnly: true }));
    const artefacts = opened(await openArtefactStore(request.artefacts));
    const champions = opened(openChampions(request.artefacts));
    const { store, rpc } = request;
    const barStore =
      store !== undefined && (await isBarStore(store)) ? opened(await openBarStore(store)) : undefined;
    const redis = request.settings.redis ?? process.env.BALLAST_REDIS;
    const backtests =
      Object.keys(data).length > 0
        ? opened(
            // Loaded where they are wanted: training comes with them.
            await (await import("./backtests/open.ts")).openBacktests({
              folder,
              dataSets: data,
              artefacts: request.artefacts,
              workers: request.backtestWorkers ?? 1,
              redis,
              log: (line) => terminal.say(line),
            }),
          )
        : undefined;
    const vaults = rpc === undefined ? undefined : opened(openLiveVaults(rpc));
    const feed = opened(
      redis === undefined
        ? openJournalFeed(journal, { onError: (error) => terminal.say(`The journal: ${error}`) })
        : await openSharedFeed(redis, terminal),
    );
    const api = await startApi({
      journal,
      artefacts,
      feed,
      ...(barStore && { bars: servedBars(barStore) }),
      snapshots: servedSnapshots(join(dirname(request.journal), "snapshots")),
      settings: request.settings,
      folder: dirname(request.journal),
      backtests,
      vaults,
      promotions: champions,
      reexecution: openReexecution({
        artefacts: request.artefacts,
        snapshots: join(dirname(request.journal), "snapshots"),
        dataSets: data,
        rpc,
        log: (line) => terminal.say(line),
      }),
      dashboard: await dashboardOrNone(terminal),
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
