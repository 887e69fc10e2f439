import { HOUR_MS, unixMillis } from "@ballast/data";
import { modelBytes } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { WeightsNotOneError } from "../backtest/market.ts";
import { BandOverlapsZeroError } from "../backtest/rule.ts";
import { fitLinearModel, ModelSawTheFutureError } from "./models.ts";
import { BadPortfolioError, type PaperAsset } from "./portfolio.ts";
import { AssetWithoutBarsError, BadTermsError } from "./quotes.ts";
import { contextIn, HISTORY_HOURS, marketOf, PORTFOLIO, specOf } from "./replay.fixture.ts";
import { type BacktestSpec, PeriodTooEarlyError, runBacktest } from "./run.ts";

const market = await marketOf(HISTORY_HOURS + 200);
const run = async (changes: Partial<BacktestSpec>) => runBacktest(specOf(market, changes), await contextIn());
const { from, to } = specOf(market);
const holding = (i: number, change: Partial<PaperAsset>) => ({
  portfolio: {
    ...PORTFOLIO,
    assets: PORTFOLIO.assets.map((asset, k) => (k === i ? { ...asset, ...change } : asset)),
  },
});
const TERMS = specOf(market).terms;
const GAS = specOf(market).gas;

describe("what a backtest refuses", () => {
  it.each<[string, Partial<BacktestSpec>, new (...args: never[]) => Error, RegExp]>([
    ["weights that sum to less than one", holding(1, { target: 0.3 }), WeightsNotOneError, /sum to 0\.92/],
    ["a weight of zero", holding(0, { target: 0 }), WeightsNotOneError, /shares above 0/],
    ["a band as wide as its target", holding(0, { band: 0.25 }), BandOverlapsZeroError, /reaches zero/],
    ["a band of zero", holding(1, { band: 0 }), BandOverlapsZeroError, /above 0/],
    ["a band that is no number", holding(1, { band: Number.NaN }), BandOverlapsZeroError, /NaN/],
    ["no money", { portfolio: { ...PORTFOLIO, nav: 0 } }, BadPortfolioError, /nav is 0/],
    ["an asset twice", holding(1, { asset: "ETH" }), BadPortfolioError, /ETH twice/],
    [
      "the base asset alone",
      { portfolio: { nav: 1, assets: PORTFOLIO.assets.slice(0, 1) } },
      BadPortfolioError,
      /at least one more/,
    ],
    ["an asset without bars", holding(1, { asset: "DOGE" }), AssetWithoutBarsError, /DOGE.*it has BTC, ETH/],
    ["a negative tip", { gas: { ...GAS, tipGwei: -1 } }, BadTermsError, /tip is -1/],
    ["a negative base fee", { gas: { ...GAS, baseFeeGwei: -1 } }, BadTermsError, /base fee is -1/],
    ["ether for nothing", { gas: { ...GAS, etherDollars: 0 } }, BadTermsError, /above 0/],
    ["half a bar of latency", { latency: 0.5 }, BadTermsError, /latency is 0\.5/],
    ["negative latency", { latency: -1 }, BadTermsError, /latency is -1/],
    ["a turnover above one", { terms: { ...TERMS, maxTurnover: 1.5 } }, BadTermsError, /maxTurnover is 1\.5/],
    ["a halt that ends before it begins", { halts: [{ from: to, until: from }] }, BadTermsError, /halt/],
    ["a begin between two closes", { from: unixMillis(from + 1) }, BadTermsError, /begin/],
    ["an end after the last bar", { to: unixMillis(to + HOUR_MS) }, BadTermsError, /last bar's close, 2021/],
    ["an end before the begin", { from: to, to: from }, BadTermsError, /end/],
    [
      "a begin without a lookback",
      { from: unixMillis(from - HOUR_MS) },
      PeriodTooEarlyError,
      /earliest possible begin is 2021-01-31T01/,
    ],
  ])("error: %s", async (_, changes, type, message) => {
    const error = await run(changes).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
  });

  it("error: a frozen model that was trained on bars after the begin", async () => {
    const bigger = await marketOf(1700);
    const until = unixMillis(bigger.start + 1600 * HOUR_MS);
    const config = { maxRows: 1000, ridge: 1, correlationHalfLifeHours: 96 };
    const bytes = modelBytes(await fitLinearModel(bigger, config, until));
    const frozen = { kind: "frozen", bytes, trainedUntil: until } as const;
    const at = async (begin: number) =>
      runBacktest(specOf(bigger, { models: frozen, from: unixMillis(begin) }), await contextIn());
    await expect(at(until - HOUR_MS)).rejects.toThrow(ModelSawTheFutureError);
    const made = await at(until);
    expect(made.models).toHaveLength(1);
    expect(made.bars.breachProbability.every((p) => p !== null && p >= 0 && p <= 1)).toBe(true);
  });
});

describe("a market that is halted", () => {
  it("behaviour: nothing is executed or decided meanwhile, and the record says so", async () => {
    const long = await marketOf(HISTORY_HOURS + 600);
    const whole = await runBacktest(specOf(long), await contextIn());
    const trade = whole.trades[0]!;
    // The first trade is decided at the last bar before the halt, and would be executed at its first.
    const halt = { from: trade.executedAt, until: trade.executedAt + 24 * HOUR_MS };
    const reasons = new Map<number, string>();
    const context = await contextIn(undefined, {
      onStep: ({ quote, decided }) => reasons.set(quote.at, decided.reason),
    });
    const halted = await runBacktest(specOf(long, { halts: [halt] }), context);
    const during = [...reasons].filter(([at]) => at >= halt.from && at < halt.until);
    expect(during).toHaveLength(24);
    expect(new Set(during.map(([, reason]) => reason))).toEqual(new Set(["trading-halted"]));
    expect(halted.trades[0]!.decidedAt).toBeGreaterThanOrEqual(halt.until);
    expect(halted.notes.join("\n")).toMatch(/24 times: trading was halted/);
    expect(halted.notes.join("\n")).toMatch(/a decision was not executed, as trading was halted by then/);
  });
});

describe("what is assumed", () => {
  it("behaviour: no model yet, and no ether price, are noted", async () => {
    const small = await marketOf(HISTORY_HOURS + 30);
    const fit = async () => expect.unreachable();
    const models = { kind: "retrained", everyMs: HOUR_MS, leastHours: 1e6, settings: {}, fit } as const;
    const made = await runBacktest(specOf(small, { models }), await contextIn());
    expect(made.notes.join("\n")).toMatch(/30 times: there was no model yet/);
    expect(made.models).toEqual([]);
    expect(made.bars.breachProbability.every((p) => p === null)).toBe(true);
  });
});
