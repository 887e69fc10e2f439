import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { thresholdPolicy } from "@ballast/agent";
import { HOUR_MS, type Market, unixMillis } from "@ballast/data";
import type { Execution } from "../backtest/execution.ts";
import { clean, START, syntheticRaw } from "../markets.fixture.ts";
import type { Portfolio } from "./portfolio.ts";
import type { BacktestContext, BacktestSpec } from "./run.ts";
import { openModelCache, openRunStore } from "./store.ts";

export const ASSETS = ["BTC", "ETH"] as const;

export const marketOf = async (hours: number, seed = 7): Promise<Market> =>
  clean(await syntheticRaw(seed, hours, ASSETS));

/** 25 % in dollars, three eighths in each of the others. */
export const PORTFOLIO: Portfolio = {
  nav: 1_000_000,
  assets: [
    { asset: "USDC", decimals: 6, poolFee: 0, target: 0.25, band: 0.01 },
    { asset: "BTC", decimals: 8, poolFee: 500, target: 0.375, band: 0.01 },
    { asset: "ETH", decimals: 18, poolFee: 500, target: 0.375, band: 0.01 },
  ],
};

/** Constant rates, and an impact that grows with the square of the trade. */
export const constantRates = (fee = 0.0005, depth = 1e9): Execution => ({
  name: `constant rates ${fee}, depth ${depth}`,
  swapCosts: (_, dollars) => {
    const size = Math.abs(dollars);
    return { fee: size * fee, spread: size * 0.0001, impact: size ** 2 / depth, mev: size * 0.00005 };
  },
  gasUnits: (swaps) => ({ rebalance: 138_878 + 118_000 * swaps, attestation: 512_024 }),
});

export const HISTORY_HOURS = 721;

export const specOf = (market: Market, changes: Partial<BacktestSpec> = {}): BacktestSpec => ({
  name: "threshold",
  policy: thresholdPolicy(),
  market,
  portfolio: PORTFOLIO,
  terms: { cooldownSeconds: 3_000, maxTurnover: 1, maxSlippage: 0.01, crossTolerance: 0.0125 },
  gas: { tipGwei: 1, baseFeeGwei: 20, etherDollars: 2_000 },
  execution: constantRates(),
  models: { kind: "none" },
  from: unixMillis(START + HISTORY_HOURS * HOUR_MS),
  to: unixMillis(market.start + market.length * market.intervalMs),
  ...changes,
});

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "ballast-backtest-"));

/** A run's ports in a folder of its own, or in a given one to go on with. */
export const contextIn = async (
  folder = newFolder(),
  changes: Partial<BacktestContext> = {},
): Promise<BacktestContext> => ({
  store: await openRunStore(folder, { test: 1 }),
  cache: await openModelCache(folder, { test: 1 }),
  checkpointBars: 50,
  ...changes,
});
