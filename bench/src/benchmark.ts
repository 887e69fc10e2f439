import type { Row } from "./measure.ts";

export interface BenchmarkOptions {
  /** Folder of recorded bars; a seeded synthetic market where absent. */
  readonly bars: string | undefined;
  /** File of base fees; the market's own where absent. */
  readonly gas?: string | undefined;
  /** Folder of a pool's recorded minutes; not measured where absent. */
  readonly pool?: string | undefined;
  /** As few repetitions as show that it works. */
  readonly isQuick: boolean;
  /** Times a model is fitted again in a walk-forward; the benchmark's own choice where absent. */
  readonly refits?: number | undefined;
  /** Bars at or after this time (ms) are not read by what heeds it; the market's end where absent. */
  readonly until?: number | undefined;
  /** One line of progress. */
  readonly log: (line: string) => void;
}

export interface Benchmark {
  /** One line. */
  readonly about: string;
  readonly run: (options: BenchmarkOptions) => Promise<readonly Row[]>;
}

/** By name. Loaded only when run, so that a list of them costs nothing. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  api: {
    about: "the service beside a bare node:http server: latest forecast, history, streams, memory",
    run: async (options) => (await import("./api.ts")).api(options),
  },
  backtest: {
    about: "the backtest's simulator beside a plain C loop, and a sweep of a thousand settings",
    run: async (options) => (await import("./backtest.ts")).backtest(options),
  },
  costs: {
    about: "what bars, and a pool's minutes, say of spread, volatility, volume, impact, delay and depth",
    run: async (options) => (await import("./calibration.ts")).calibration(options),
  },
  forecast: {
    about: "walk-forward accuracy of every volatility model, coverage, and breach probabilities",
    run: async (options) => (await import("./forecast.ts")).forecast(options),
  },
  pipeline: {
    about: "each part of the way of a decision: ingest, forecast, decide, sign, journal, attest, rebalance",
    run: async (options) => (await import("./pipeline.ts")).pipeline(options),
  },
  policies: {
    about:
      "what every rebalancing policy costs out of sample, at equal tracking error, on mainnet and on a rollup",
    run: async (options) => (await import("./policies.ts")).policies(options),
  },
  verify: {
    about:
      "what checking a decision costs and gives up: network, the vault's gas, the score it judges by, notaries",
    run: async (options) => (await import("./verify.ts")).verify(options),
  },
};
