import { openJournal } from "@ballast/agent";
import { startApi } from "@ballast/api";
import { openArtefactStore } from "@ballast/data";
import type { Terminal } from "./terminal.ts";

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
      port: request.port,
      ...(request.host && { host: request.host }),
    });
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
