import { ProblemError, read } from "./api.ts";

/** What the page reads of a backtest: see `/v1/backtests` in the service's reference. */
export interface Backtest {
  readonly id: string;
  readonly state: "queued" | "running" | "done" | "failed" | "cancelled";
  readonly submittedAt: string;
  readonly progress: { readonly step: string; readonly done: number; readonly total: number };
  readonly error: { readonly code: string; readonly detail: string } | null;
  readonly request: unknown;
  readonly links: {
    readonly self: string;
    readonly report: string | null;
    readonly records: Readonly<Record<string, string>>;
  };
  readonly result?: Result | null;
}
export interface Result {
  readonly headline: string;
  readonly baseline: string;
  readonly metrics: readonly {
    readonly id: string;
    readonly label: string;
    readonly unit: string;
    readonly meaning: string;
  }[];
  readonly policies: readonly {
    readonly name: string;
    readonly trades: number;
    readonly metrics: Readonly<
      Record<
        string,
        { readonly estimate: number | null; readonly low: number | null; readonly high: number | null }
      >
    >;
  }[];
}
export interface BacktestRecord {
  readonly assets: readonly string[];
  readonly targets: readonly number[];
  readonly bands: readonly number[];
  readonly bars: { readonly at: readonly number[]; readonly weights: readonly (readonly number[])[] };
  readonly trades: readonly {
    readonly decidedAt: number;
    readonly reason: string;
    readonly soldDollars: number;
  }[];
}
export interface DataSet {
  readonly name: string;
  readonly assets: readonly string[];
  readonly from: string;
  readonly until: string;
}

/** Links of the service are from its root; the page may stand below one. */
export const here = (link: string) => link.replace(/^\//, "");

export const readBacktests = async () => (await read<{ items: Backtest[] }>("v1/backtests?limit=50")).items;
export const readBacktest = (id: string) => read<Backtest>(`v1/backtests/${id}`);
export const readDataSets = async () => (await read<{ items: DataSet[] }>("v1/backtests/data-sets")).items;
export const readRecord = (link: string) => read<BacktestRecord>(here(link));

export const submit = (request: unknown) =>
  read<Backtest>("v1/backtests", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
export const cancel = (id: string) => read<Backtest>(`v1/backtests/${id}`, { method: "DELETE" });

/** Whether an answer says that the service runs no backtests, rather than that this one went wrong. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof ProblemError &&
  (error.status === 501 || (error.status === 404 && /OFF|ROUTE/.test(error.code)));
