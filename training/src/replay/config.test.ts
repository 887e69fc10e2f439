import { readFileSync } from "node:fs";
import { HOUR_MS, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { rebalanceGas } from "../backtest/true-costs.ts";
import { cutAt } from "../cut.ts";
import { clean, START, syntheticRaw } from "../markets.fixture.ts";
import { BadConfigError } from "../schema.ts";
import { type BacktestFile, readBacktestFile, toBacktestPlan } from "./config.ts";
import { AssetMissingError, checkCoverage } from "./coverage.ts";
import { toExecution } from "./executions.ts";
import { checkModelPlan } from "./models.ts";
import { checkPlan, identityOf, periodOf, toPortfolio, toRetraining, toSpecs } from "./plan.ts";
import { checkPortfolio } from "./portfolio.ts";
import { constantRates } from "./rates.ts";
import { ASSETS, marketOf } from "./replay.fixture.ts";

const TARGETS = { portfolio: { targets: { USDC: 0.4, BTC: 0.3, ETH: 0.3 } } } satisfies BacktestFile;

describe("docs/backtest.yaml", () => {
  const text = readFileSync(new URL("../../../docs/backtest.yaml", import.meta.url), "utf8");
  const file = readBacktestFile(text, "docs/backtest.yaml");

  it("default: is valid, as a whole and in what it means", () => {
    const plan = toBacktestPlan(file);
    expect(() => checkPortfolio(toPortfolio(plan))).not.toThrow();
    const models = toRetraining(plan, () => {})!;
    expect(models).toMatchObject({ kind: "retrained", everyMs: 30 * 24 * HOUR_MS });
    expect(() => checkModelPlan(models, unixMillis(0))).not.toThrow();
  });

  it("behaviour: names every setting, and the default of each that has one", () => {
    const defaults = toBacktestPlan({ ...TARGETS }) as unknown as Record<string, unknown>;
    const documented = toBacktestPlan(file) as unknown as Record<string, unknown>;
    expect(Object.keys(file).sort()).toEqual(Object.keys(defaults).sort());
    for (const section of ["vault", "gas"]) {
      expect(Object.keys((file as Record<string, object>)[section]!)).toEqual(
        Object.keys(defaults[section] as object),
      );
      expect(documented[section]).toEqual(defaults[section]);
    }
    for (const key of ["latency", "artefacts", "checkpointBars", "journal", "out"])
      expect(documented[key]).toEqual(defaults[key]);
    expect(documented.costs).toMatchObject(defaults.costs as object);
    expect(documented.retraining).toMatchObject(defaults.retraining as object);
    const { targets: _, ...portfolio } = defaults.portfolio as { targets: object };
    expect(documented.portfolio).toMatchObject(portfolio);
    expect(text).toContain("minScore:");
  });
});

describe("a backtest's file", () => {
  it.each([
    ["latencies: 1", /latencies is no key; did you mean latency\?/],
    ["costs: {fees: 0.1}", /costs\.fees is no key; did you mean fee\?/],
    ["costs: {fee: -0.001}", /costs\.fee is -0\.001; allowed is a share from 0 to below 1/],
    ["costs: {depth: 0}", /costs\.depth is 0; allowed is a number above 0/],
    ["costs: {assets: {SOL: {mev: -1}}}", /costs\.assets\.SOL\.mev is -1/],
    ["gas: {tipGwei: -1}", /gas\.tipGwei is -1; allowed is a number from 0/],
    ["latency: 1.5", /latency is 1\.5; allowed is a whole number/],
    [
      "portfolio: {targets: {USDC: 1.2}}",
      /portfolio\.targets\.USDC is 1\.2; allowed is a share between 0 and 1/,
    ],
    ["portfolio: {bands: 0}", /portfolio\.bands is 0; allowed is a half-width/],
    ["from: yesterday", /from is "yesterday"; allowed is a time in UTC/],
    ["halts: [{from: 2021-01-01}]", /halts\[0\] is .*; allowed is from and until/],
    ["policies: [{label: x}]", /policies\[0\] is .*; allowed is a name/],
    ["policies: []", /policies is \[\]; allowed is a list/],
    ["policies: [{name: ../up}]", /policies\[0\]\.name is "\.\.\/up"; allowed is a name/],
    ["model: 7", /model is 7; allowed is none, linear/],
    ["retraining: {training: {fold: 3}}", /retraining\.training\.fold is no key; did you mean folds\?/],
    ["a: [", /is no YAML/],
  ])("error: %s", (text, message) => {
    const read = () => readBacktestFile(text, "backtest.yaml");
    expect(read).toThrow(BadConfigError);
    expect(read).toThrow(message);
  });

  it.each<[string, BacktestFile, RegExp]>([
    ["no targets", {}, /targets is missing/],
    [
      "no share for the base asset",
      { portfolio: { targets: { BTC: 1 } } },
      /no share for the base asset USDC/,
    ],
    [
      "one label twice",
      { ...TARGETS, policies: [{ name: "threshold" }, { name: "predictive", label: "threshold" }] },
      /threshold comes twice/,
    ],
  ])("error: %s", (_, file, message) => {
    expect(() => toBacktestPlan(file)).toThrow(message);
  });

  it("error: bands that lack an asset", () => {
    const plan = toBacktestPlan({ portfolio: { ...TARGETS.portfolio, bands: { USDC: 0.02, BTC: 0.02 } } });
    expect(() => toPortfolio(plan)).toThrow(/bands has none for ETH/);
  });

  it("behaviour: the later file wins, section by section", () => {
    const plan = toBacktestPlan(
      { ...TARGETS, gas: { tipGwei: 3 }, latency: 2 },
      { gas: { baseFeeGwei: 50 }, portfolio: { nav: 5 }, latency: 0 },
    );
    expect(plan.gas).toMatchObject({ tipGwei: 3, baseFeeGwei: 50 });
    expect(plan.portfolio).toMatchObject({ nav: 5, ...TARGETS.portfolio });
    expect(plan.latency).toBe(0);
    expect(plan.assets).toEqual(["BTC", "ETH"]);
  });
});

describe("what a plan comes to", () => {
  it("default: one run for each policy, from the first close with a snapshot and a model", async () => {
    const market = await marketOf(3500);
    const plan = toBacktestPlan({
      ...TARGETS,
      policies: [{ name: "threshold" }, { name: "predictive", parameters: { actAt: 0.4 } }],
      model: "linear",
    });
    const models = toRetraining(plan, () => {})!;
    const [first, second] = toSpecs(plan, market, models);
    expect(first!.from).toBe(START + 120 * 24 * HOUR_MS);
    expect(first!.to).toBe(market.start + market.length * HOUR_MS);
    expect(periodOf(market, { kind: "none" }).from).toBe(START + 721 * HOUR_MS);
    expect(second!.policy.parameters).toMatchObject({ actAt: 0.4, horizonHours: 12 });
    const identity = identityOf(plan, first!);
    expect(identity).toEqual(identityOf(plan, { ...first!, name: "another" }));
    const changed = toBacktestPlan({ ...TARGETS, gas: { tipGwei: 2 }, model: "linear" });
    expect(identityOf(changed, first!)).not.toEqual(identity);
  });

  it("default: constant rates charge what they say, and a trade larger than the pool is refused", () => {
    const gas = { perRebalance: 10, perSwap: 2, perAttestation: 5 };
    const rates = constantRates({
      fee: 0.01,
      spread: 0.002,
      mev: 0.003,
      assets: { SOL: { fee: 0.02, depth: 1e5 } },
      gas,
    });
    // 1 % of 2,000; half of 0.2 %; no impact; 0.3 %.
    expect(rates.swapCosts("BTC", -2_000, 1, 0)).toEqual({ fee: 20, spread: 2, impact: 0, mev: 6 });
    // 2 % of 1,000, and 1,000² / 100,000.
    expect(rates.swapCosts("SOL", 1_000, 1, 0)).toEqual({ fee: 20, spread: 1, impact: 10, mev: 3 });
    expect(rates.gasUnits(3)).toEqual({ rebalance: 16, attestation: 5 });
    expect(() => rates.swapCosts("SOL", -200_000, 1, 0)).toThrow(
      expect.objectContaining({ code: "TRADE_EXCEEDS_POOL" }),
    );
  });
});

describe("what trades cost", () => {
  const of = async (costs: NonNullable<BacktestFile["costs"]>) => {
    const plan = toBacktestPlan({ ...TARGETS, costs });
    return toExecution(plan, await marketOf(1500));
  };
  const AT = START + 1400 * HOUR_MS;

  it("default: in a pool what its mathematics say, on an exchange what the square-root law says", async () => {
    const pool = await of({
      kind: "pool",
      reserve: 1e7,
      route: { kind: "private", leak: 0.001 },
      assets: { ETH: { fee: 0.003 } },
    });
    const { fee, spread, impact, mev } = pool.swapCosts("ETH", 1e5, 2_000, AT);
    // A fee of 0.3 % of 100,000; x²/(R + x) of what is left of it, and 0.1 %.
    expect(fee).toBeCloseTo(300, 6);
    expect(impact).toBeCloseTo(99_700 ** 2 / (1e7 + 99_700), 2);
    expect([spread, mev]).toEqual([0, 100]);
    expect(pool.gasUnits(2)).toEqual(rebalanceGas(2, "off-chain"));
    const exchange = await of({ kind: "market", attestation: "on-chain", spread: 0.001 });
    const one = exchange.swapCosts("BTC", 1e4, 40_000, AT);
    const four = exchange.swapCosts("BTC", 4e4, 40_000, AT);
    expect(one.fee).toBeCloseTo(5, 9);
    expect(one.spread).toBeGreaterThanOrEqual(5);
    expect(four.impact / one.impact).toBeCloseTo(8, 6);
    expect(exchange.gasUnits(2)).toEqual({
      rebalance: 0,
      attestation: rebalanceGas(0, "on-chain").attestation,
    });
  });

  it("behaviour: liquidity is read from the bars that had closed", async () => {
    const plan = toBacktestPlan({ ...TARGETS, costs: { kind: "market" } });
    const raw = await syntheticRaw(7, 1500, ASSETS);
    const cut = clean(cutAt(raw, AT + 2 * HOUR_MS));
    const [known, whole] = [cut, clean(raw)].map((market) =>
      toExecution(plan, market).swapCosts("BTC", 1e5, 1, AT),
    );
    expect(known).toEqual(whole);
  });

  it("error: a pool without a reserve, a route that is none", async () => {
    await expect(of({ kind: "pool" })).rejects.toThrow(/costs: reserve is missing for BTC/);
    const read = () => readBacktestFile("costs: {route: {kind: private}}", "backtest.yaml");
    expect(read).toThrow(BadConfigError);
  });

  it("error: a policy whose trigger overlaps a weight of zero", () => {
    const wide = { name: "threshold", parameters: { width: "absolute", size: 0.35 } };
    expect(() => checkPlan(toBacktestPlan({ ...TARGETS, policies: [wide] }))).toThrow(
      /overlaps a weight of zero/,
    );
    expect(() => checkPlan(toBacktestPlan({ ...TARGETS, policies: [{ name: "cppi" }] }))).not.toThrow();
  });
});

describe("an asset that is missing for part of the period", () => {
  it("error: names the asset, what it has, and what is needed", async () => {
    const raw = await syntheticRaw(1, 2000, ASSETS);
    const late = {
      ...raw,
      series: raw.series.map((series) =>
        series.asset === "ETH" ? { ...series, time: series.time.map((t) => t + 100 * HOUR_MS) } : series,
      ),
    };
    const at = (hours: number) => unixMillis(START + hours * HOUR_MS);
    expect(() => checkCoverage(raw, { from: at(0), to: at(2000) })).not.toThrow();
    expect(() => checkCoverage(late, { from: at(100), to: at(2000) })).not.toThrow();
    expect(() => checkCoverage(late, {})).not.toThrow();
    const begin = () => checkCoverage(late, { from: at(99), to: at(2000) });
    expect(begin).toThrow(AssetMissingError);
    expect(begin).toThrow(
      /^ETH has bars from 2021-01-05T04:00:00Z to .* needs them from 2021-01-05T03:00:00Z/,
    );
    expect(() => checkCoverage(late, { to: at(2001) })).toThrow(/^BTC has bars .* to 2021-03-25T08/);
  });
});
