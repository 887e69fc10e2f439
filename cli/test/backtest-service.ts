import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openJournal } from "@ballast/agent";
import { type BacktestJobs, createKey, startApi } from "@ballast/api";
import { syntheticSource, unixMillis } from "@ballast/data";
import { newFolder, writeBars } from "./child.ts";

export const HOURS = 2_280;
export const START = Date.UTC(2023, 0, 1);

/** A folder of bars of three assets, enough for a model fitted on the way and a week of decisions by it. */
export async function newBars(): Promise<string> {
  const assets = ["BTC", "ETH", "SOL"];
  const source = syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets });
  return writeBars(join(newFolder(), "bars"), (await source.load({})).series);
}

const PORTFOLIO = { targets: { USDC: 0.3, BTC: 0.35, ETH: 0.35 }, bands: 0.01 };
export const SHORT = {
  data: "hourly",
  from: "2023-02-10",
  until: "2023-02-13",
  portfolio: PORTFOLIO,
  policies: [{ name: "threshold" }, { label: "weekly", name: "calendar" }],
};
/** Refits a model each day, and so takes a while. */
export const LONG = {
  data: "hourly",
  portfolio: PORTFOLIO,
  model: "linear",
  retraining: { everyDays: 1, leastDays: 60, training: { maxRows: 3_000 } },
  policies: [{ name: "threshold" }, { name: "predictive" }],
};

export interface Shown {
  readonly state: string;
  readonly progress: { readonly done: number };
}
export const isOver = ({ state }: Shown): boolean => !["queued", "running"].includes(state);

export const toClient = (url: string, key: string) => {
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text.startsWith("{") ? text : "null") };
  };
  return {
    url,
    ask,
    post: (body: unknown) => ask("POST", "/v1/backtests", body),
    get: (path: string) => ask("GET", path),
    /** Polls until the backtest is in one of the states. */
    async until(id: string, isIt: (job: Shown) => boolean) {
      for (;;) {
        const { body } = await ask("GET", `/v1/backtests/${id}`);
        if (isIt(body)) return body;
        await sleep(20);
      }
    },
    /** Opens its event stream; what that says until it ends comes later. */
    async watch(path: string) {
      const response = await fetch(`${url}${path}`);
      return async () => toEvents(await response.text());
    },
  };
};

const toEvents = (text: string) =>
  [...text.matchAll(/^event: backtest\ndata: (.+)$/gm)].map(([, data]) => JSON.parse(data!));

/** The API over these backtests, and a client with a key of its own, or that of another such service. */
export async function serveJobs(jobs: BacktestJobs, folder = newFolder(), keys = join(folder, "keys.json")) {
  const journal = openJournal(join(folder, "journal.sqlite"));
  const { key } = await createKey(keys, { name: "test", scope: "submit", at: "2023-01-01T00:00:00Z" });
  const api = await startApi({
    journal,
    settings: { keys },
    artefacts: { list: async () => [], get: async () => new Uint8Array() },
    backtests: jobs,
    logger: false,
    port: 0,
  });
  return {
    ...toClient(api.url, key),
    key,
    async close() {
      await api.close();
      journal.close();
    },
  };
}
