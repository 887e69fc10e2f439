import { join } from "node:path";
import {
  decideAgain,
  type LoopPorts,
  type MarketWitness,
  openJournal,
  type Policy,
  PREDICTIVE_DEFAULTS,
  policyOf,
  predictivePolicy,
  readInputs,
  runLoop,
  thresholdPolicy,
  type Venue,
} from "@ballast/agent";
import { type Hex, HOUR_MS, keccak, type Market, toMarket, type UnixMillis, unixMillis } from "@ballast/data";
import { modelBytes } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { cutAt } from "../cut.ts";
import { clean, START, syntheticRaw } from "../markets.fixture.ts";
import { OPEN_SCORER, type Step } from "./course.ts";
import { fitLinearModel, type ModelPlan, toActiveModel } from "./models.ts";
import { ASSETS, contextIn, HISTORY_HOURS, marketOf, newFolder, specOf } from "./replay.fixture.ts";
import { type BacktestSpec, runBacktest, toDecideOptions } from "./run.ts";

const LINEAR = { maxRows: 1500, ridge: 1, correlationHalfLifeHours: 96 };
/** Trains every ten days, first at the begin. */
const RETRAINED: ModelPlan = {
  kind: "retrained",
  everyMs: 10 * 24 * HOUR_MS,
  leastHours: 1800,
  settings: { kind: "linear", ...LINEAR },
  fit: (known, until, signal) => fitLinearModel(known, LINEAR, until, signal),
};
const EAGER = { ...PREDICTIVE_DEFAULTS, actAt: 0.2 };
const TRAINED_FROM = unixMillis(START + 1900 * HOUR_MS);

const predictiveSpec = (market: Market, changes: Partial<BacktestSpec> = {}): BacktestSpec =>
  specOf(market, {
    name: "predictive",
    policy: predictivePolicy(EAGER),
    models: RETRAINED,
    from: TRAINED_FROM,
    ...changes,
  });

async function record(spec: BacktestSpec, folder = newFolder()) {
  const steps: Step[] = [];
  const made = await runBacktest(spec, await contextIn(folder, { onStep: (step) => steps.push(step) }));
  return { made, steps };
}

/** The agent's own loop, dry, over the states that the backtest had and the same market. */
async function dryRun(
  market: Market,
  policy: Policy,
  steps: readonly Step[],
  forecastAt: (at: UnixMillis) => LoopPorts["forecast"],
  latency: number,
): Promise<Hex[]> {
  const hashes: Hex[] = [];
  let now = steps[0]!.quote.at;
  let step = 0;
  async function* ticks() {
    for (const { quote } of steps) {
      now = quote.at;
      yield now;
      step++;
    }
  }
  const never = async () => {
    throw new Error("a dry run sends nothing");
  };
  const venue: Venue = {
    readState: async () => steps[step]!.state,
    attest: never,
    execute: never,
    findExecution: never,
  };
  const witness = {
    scorer: OPEN_SCORER,
    prove: () => ({}),
    notarise: never,
  } as unknown as MarketWitness;
  const journal = openJournal(join(newFolder(), "journal.sqlite"));
  await runLoop({
    run: "dry",
    ticks: ticks(),
    now: () => now,
    observe: async (at) => market.past(at).snapshot(HISTORY_HOURS),
    forecast: (snapshot) => forecastAt(snapshot.at)(snapshot),
    witness,
    policy,
    decideOptions: toDecideOptions(latency, HOUR_MS),
    journal,
    sign: async (decision) => {
      const offchainUid = keccak(new TextEncoder().encode(`${decision.decidedAt} ${decision.sequence}`));
      return { offchainAttestation: "{}", offchainUid };
    },
    venue,
    isDryRun: true,
    onStep: (taken) => {
      if (taken.kind === "missed") throw taken.error;
      if ("decided" in taken) hashes.push(taken.decided.hash);
    },
  });
  journal.close();
  return hashes;
}

describe("the event-driven backtest", () => {
  it("default: keeps what a report needs of every bar, and every trade with its reason and its costs", async () => {
    const market = await marketOf(HISTORY_HOURS + 600);
    const { made } = await record(specOf(market));
    expect(made.bars.at).toHaveLength(600);
    expect(made.bars.at[0]).toBe(START + HISTORY_HOURS * HOUR_MS);
    expect(made.bars.value[0]).toBeCloseTo(1_000_000, 2);
    expect(made.bars.mix[0]).toBe(1_000_000);
    expect(made.trades.length).toBeGreaterThan(2);
    for (const trade of made.trades) {
      expect(trade.reason).toBe("breach");
      expect(trade.executedAt - trade.decidedAt).toBe(HOUR_MS);
      const at = made.bars.at.indexOf(trade.decidedAt);
      const isOutside = made.targets.some(
        (w, i) => Math.abs(made.bars.weights[i]![at]! - w) > made.bands[i]!,
      );
      expect(isOutside).toBe(true);
      // Back on target but for what the prices did meanwhile and what it cost.
      for (const [i, w] of trade.weightsAfter.entries())
        expect(Math.abs(w - made.targets[i]!)).toBeLessThan(0.01);
    }
  });

  it("behaviour: value follows from weights, prices and costs alone", async () => {
    const market = await marketOf(HISTORY_HOURS + 600);
    const { made } = await record(specOf(market));
    const { at, value, weights, prices } = made.bars;
    for (let t = 1; t < at.length; t++) {
      const trade = made.trades.find(({ executedAt }) => executedAt === at[t]);
      const before = made.trades.find(({ executedAt }) => executedAt === at[t - 1]);
      const held = before?.weightsAfter ?? weights.map((row) => row[t - 1]!);
      const growth = held.reduce((sum, w, i) => sum + w * (prices[i]![t]! / prices[i]![t - 1]!), 0);
      const paid = trade === undefined ? 0 : Object.values(trade.costs).reduce((a, b) => a + b, 0);
      expect(value[t]!).toBeCloseTo(value[t - 1]! * growth - paid, 2);
    }
  });

  it.each([0, 1, 3])(
    "behaviour: a dry run over the same data has the same decision hashes, latency %i",
    async (latency) => {
      const market = await marketOf(HISTORY_HOURS + 300);
      const spec = specOf(market, { latency });
      const { made, steps } = await record(spec);
      expect(made.trades.length).toBeGreaterThan(0);
      const hashes = await dryRun(market, thresholdPolicy(), steps, () => () => undefined, latency);
      expect(hashes).toEqual(steps.map(({ decided }) => decided.hash));
      expect(made.decisionsDigest).toBe(keccak(new TextEncoder().encode(hashes.join())));
    },
  );

  it("behaviour: so it has with a policy that forecasts, by the models that existed then", async () => {
    const market = await marketOf(1900 + 500);
    const { made, steps } = await record(predictiveSpec(market));
    expect(made.trades.map(({ reason }) => reason)).toContain("breach-forecast");
    expect(made.models).toHaveLength(3);
    // Models fitted apart, each on a market that was cut at its time before it was loaded.
    const models = await Promise.all(
      made.models.map(async ({ from }) => {
        const raw = await syntheticRaw(7, 1900 + 500, ASSETS);
        const { market: cut } = toMarket(cutAt(raw, from), { now: unixMillis(from) });
        return { from, ...toActiveModel(modelBytes(await fitLinearModel(cut, LINEAR, unixMillis(from)))) };
      }),
    );
    expect(models.map(({ from, modelId }) => ({ from, modelId }))).toEqual(made.models);
    const forecastAt = (at: number) => models.findLast(({ from }) => from <= at)!.forecaster;
    const hashes = await dryRun(market, predictivePolicy(EAGER), steps, forecastAt, 1);
    expect(hashes).toEqual(steps.map(({ decided }) => decided.hash));
  });

  it("behaviour: so it has with a policy that remembers its peak", async () => {
    const market = await marketOf(HISTORY_HOURS + 300);
    const parameters = { floor: 0, ratchet: 0.8, multiplier: 3, tolerance: 0.01 };
    const policy = policyOf({ name: "cppi", parameters });
    const { made, steps } = await record(specOf(market, { policy }));
    expect(made.trades.length).toBeGreaterThan(0);
    const peaks = steps.map(({ decided }) => decided.numbers.peak!);
    expect(peaks.at(-1)).toBeGreaterThan(peaks[0]!);
    const hashes = await dryRun(market, policy, steps, () => () => undefined, 1);
    expect(hashes).toEqual(steps.map(({ decided }) => decided.hash));
  });

  it("behaviour: its journal holds what is needed to decide again", async () => {
    const market = await marketOf(HISTORY_HOURS + 150);
    const folder = newFolder();
    const journal = openJournal(join(folder, "journal.sqlite"));
    const made = await runBacktest(specOf(market), await contextIn(folder, { journal }));
    const { items } = journal.list({ limit: 1000, order: "oldest" });
    expect(items).toHaveLength(made.bars.at.length);
    for (const entry of items) {
      const snapshot = market.past(entry.at).snapshot(HISTORY_HOURS);
      expect(decideAgain(readInputs(entry.inputs!), snapshot, entry.forecast, OPEN_SCORER).hash).toBe(
        entry.hash,
      );
    }
    journal.close();
  });

  it("behaviour: running it again gives the same record, bit for bit", async () => {
    const market = await marketOf(1900 + 300);
    const first = await record(predictiveSpec(market));
    const again = await record(predictiveSpec(await marketOf(1900 + 300)));
    expect(JSON.stringify(again.made)).toBe(JSON.stringify(first.made));
  });

  it("behaviour: no later bar changes an earlier decision, trade or model", async () => {
    const hours = 1900 + 500;
    // The close at which the second model is fitted: the very next bar is another.
    const at = TRAINED_FROM + 240 * HOUR_MS;
    const raw = await syntheticRaw(7, hours, ASSETS);
    const perturbed = {
      ...raw,
      series: raw.series.map((series) => ({
        ...series,
        bars: Object.fromEntries(
          Object.entries(series.bars).map(([name, column]) => [
            name,
            column.map((x: number, i: number) => (series.time[i]! >= at ? x * (1.5 + 0.1 * Math.sin(i)) : x)),
          ]),
        ) as unknown as typeof series.bars,
      })),
      exogenous: raw.exogenous.map((series) => ({
        ...series,
        value: series.value.map((x, i) => (series.publishedAt[i]! > at ? 3 * x : x)),
      })),
    };
    const sound = await record(predictiveSpec(clean(raw)));
    const other = await record(predictiveSpec(clean(perturbed)));
    const known = (steps: readonly Step[]) =>
      steps.filter(({ quote }) => quote.at <= at).map(({ decided }) => decided);
    expect(known(sound.steps)).toHaveLength(241);
    expect(known(other.steps)).toEqual(known(sound.steps));
    const early = ({ trades }: typeof sound.made) => trades.filter(({ executedAt }) => executedAt <= at);
    expect(early(other.made)).toEqual(early(sound.made));
    const fitted = ({ models }: typeof sound.made) => models.filter(({ from }) => from <= at);
    expect(fitted(sound.made)).toHaveLength(2);
    expect(fitted(other.made)).toEqual(fitted(sound.made));
    // And the test can fail: what comes after is another.
    expect(other.made.decisionsDigest).not.toBe(sound.made.decisionsDigest);
  });
});
