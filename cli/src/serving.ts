import { once } from "node:events";
import { createServer } from "node:net";
import { openJournal } from "@ballast/agent";
import {
  AddressUnavailableError,
  buildDashboard,
  DashboardBuildError,
  PortBusyError,
  startApi,
} from "@ballast/api";
import { BallastError, openArtefactStore } from "@ballast/data";
import { describeExpiry, findChampion } from "./champion.ts";
import { newestRun } from "./folders.ts";
import type { Terminal } from "./terminal.ts";

/** Where the API listens unless told otherwise: this machine alone. */
const HOST = "127.0.0.1";

export interface ServeOptions {
  readonly journal?: string;
  readonly artefacts: string;
  readonly host: string;
  readonly port: number;
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
  readonly host?: string;
  readonly port: number;
  readonly terminal: Terminal;
}): Promise<void> {
  const { terminal } = request;
  const journal = openJournal(request.journal, { readOnly: true });
  const artefacts = await openArtefactStore(request.artefacts);
  try {
    const api = await startApi({
      journal,
      artefacts,
      dashboard: await dashboardOrNone(terminal),
      port: request.port,
      ...(request.host && { host: request.host }),
    });
    const champion = await findChampion(request.artefacts);
    if (champion !== undefined) terminal.say(describeExpiry(champion, Date.now()));
    terminal.step("Serving over HTTP; stop with Ctrl-C.");
    for (const path of ["/", "/docs", "/v1/decisions", "/v1/forecasts", "/v1/models", "/health"])
      terminal.say(`${api.url}${path}`);
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    await api.close();
  } finally {
    artefacts.close();
    journal.close();
  }
}
