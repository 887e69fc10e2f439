import type { Row } from "./measure.ts";

export interface BenchmarkOptions {
  /** Folder of recorded bars; a seeded synthetic market where absent. */
  readonly bars: string | undefined;
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
  forecast: {
    about: "walk-forward accuracy of every volatility model, coverage, and breach probabilities",
    run: async (options) => (await import("./forecast.ts")).forecast(options),
  },
  pipeline: {
    about: "each part of the way of a decision: ingest, forecast, decide, sign, journal, attest, rebalance",
    run: async (options) => (await import("./pipeline.ts")).pipeline(options),
  },
  verify: {
    about:
      "what checking a decision costs and gives up: the integer network, and the score by which a vault judges",
    run: async (options) => (await import("./verify.ts")).verify(options),
  },
};
