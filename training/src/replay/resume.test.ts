import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Policy, PREDICTIVE_DEFAULTS, predictivePolicy, thresholdPolicy } from "@ballast/agent";
import { BallastError, HOUR_MS, keccak, type Market, unixMillis, wad } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { WeightsNotOneError } from "../backtest/market.ts";
import { START } from "../markets.fixture.ts";
import { PolicyFailedError } from "./guard.ts";
import { fitLinearModel } from "./models.ts";
import { constantRates, contextIn, HISTORY_HOURS, marketOf, newFolder, specOf } from "./replay.fixture.ts";
import { type BacktestSpec, runBacktest } from "./run.ts";
import { openRunStore, RunChangedError, RunCorruptError } from "./store.ts";

const LINEAR = { maxRows: 1000, ridge: 1, correlationHalfLifeHours: 96 };
const FROM = unixMillis(START + 1600 * HOUR_MS);

/** Forecasts, retrains and carries decisions over bars: all that a checkpoint must hold. */
const hardSpec = (market: Market, changes: Partial<BacktestSpec> = {}): BacktestSpec =>
  specOf(market, {
    policy: predictivePolicy({ ...PREDICTIVE_DEFAULTS, actAt: 0.15 }),
    from: FROM,
    latency: 2,
    models: {
      kind: "retrained",
      everyMs: 4 * 24 * HOUR_MS,
      leastHours: 1600,
      settings: LINEAR,
      fit: (known, until, signal) => fitLinearModel(known, LINEAR, until, signal),
    },
    ...changes,
  });

const stored = (folder: string) => readFileSync(join(folder, "checkpoint.json"), "utf8");

describe("a run that is stopped", () => {
  it("behaviour: goes on to the identical record, wherever it is stopped, and however often", async () => {
    const market = await marketOf(1600 + 300);
    const whole = await runBacktest(hardSpec(market), await contextIn());
    expect(whole.trades.length).toBeGreaterThan(3);
    expect(whole.notes.join()).toContain("superseded");
    // Right after a decision, while it is on its way, and anywhere.
    const decided = whole.trades.map(({ decidedAt }) => whole.bars.at.indexOf(decidedAt) + 1);
    const stops = new Set([1, decided[0]!, decided[1]! + 1, 102, decided[3]!, 255]);
    const folder = newFolder();
    for (const stopAfter of [...stops].sort((a, b) => a - b)) {
      const stop = new AbortController();
      const onStep = ({ quote }: { quote: { at: number } }) =>
        quote.at >= FROM + (stopAfter - 1) * HOUR_MS && stop.abort(new Error("stopped"));
      const context = await contextIn(folder, { signal: stop.signal, onStep });
      await expect(runBacktest(hardSpec(market), context)).rejects.toThrow("stopped");
      expect(JSON.parse(stored(folder)).bars).toBe(stopAfter);
    }
    const resumed = await runBacktest(hardSpec(market), await contextIn(folder));
    expect(JSON.stringify(resumed)).toBe(JSON.stringify(whole));
    // And once more after its end: nothing is run again, nothing changes.
    const context = await contextIn(folder, { onStep: () => expect.unreachable() });
    expect(JSON.stringify(await runBacktest(hardSpec(market), context))).toBe(JSON.stringify(whole));
  });

  it("behaviour: so it does where every policy after the first finds its models fitted", async () => {
    const market = await marketOf(1600 + 120);
    const folder = newFolder();
    const first = await runBacktest(hardSpec(market), await contextIn(folder));
    const { cache } = await contextIn(folder);
    const unfittable = hardSpec(market, {
      models: { ...hardSpec(market).models, fit: async () => expect.unreachable() } as BacktestSpec["models"],
    });
    const second = await runBacktest(unfittable, { ...(await contextIn()), cache });
    expect(second).toEqual(first);
  });

  it("behaviour: so it does with a policy that carries something on", async () => {
    const market = await marketOf(HISTORY_HOURS + 120);
    /** Trades to target at every so many decisions, and counts them in its parameters. */
    const counting = (count: number): Policy => ({
      ...thresholdPolicy(),
      name: "counting",
      id: keccak(new Uint8Array([count])),
      parameters: { count },
      choose: ({ state }) =>
        count % 10 === 9
          ? {
              kind: "rebalance",
              reason: "breach",
              toWeights: state.holdings.map(({ targetWeight }) => targetWeight),
              numbers: { count },
            }
          : { kind: "hold", reason: "inside-band", numbers: { count } },
      next: ({ count: last }) => counting(last! + 1),
    });
    const revive: BacktestSpec["revive"] = ({ parameters }) => counting(parameters.count as number);
    const spec = specOf(market, { policy: counting(0), revive });
    const whole = await runBacktest(spec, await contextIn());
    expect(whole.trades.map(({ numbers }) => numbers.count! % 10)).toContain(9);
    const folder = newFolder();
    const stop = new AbortController();
    const onStep = ({ quote }: { quote: { at: number } }) =>
      quote.at >= spec.from + 64 * HOUR_MS && stop.abort(new Error("stopped"));
    await expect(
      runBacktest(spec, await contextIn(folder, { signal: stop.signal, onStep })),
    ).rejects.toThrow();
    expect(await runBacktest(spec, await contextIn(folder))).toEqual(whole);
  });

  it("behaviour: memory holds no more than the bars since the last checkpoint", async () => {
    const market = await marketOf(HISTORY_HOURS + 130);
    const folder = newFolder();
    await runBacktest(specOf(market), await contextIn(folder));
    const chunks = readdirSync(folder).filter((name) => name.startsWith("bars-"));
    expect(chunks).toEqual(["bars-00000050.json", "bars-00000100.json", "bars-00000130.json"]);
    expect(stored(folder).length).toBeLessThan(2_000);
  });

  it("error: other settings, and a checkpoint that cannot be read", async () => {
    const market = await marketOf(HISTORY_HOURS + 10);
    const folder = newFolder();
    const identity = { latency: 1, nav: 5 };
    // Nothing was run with it: it binds nobody.
    await openRunStore(folder, { latency: 7, nav: 5 });
    const begun = await openRunStore(folder, identity);
    await runBacktest(specOf(market), { ...(await contextIn()), store: begun });
    await openRunStore(folder, identity);
    const other = openRunStore(folder, { latency: 2, nav: 5, fee: 1 });
    await expect(other).rejects.toThrow(RunChangedError);
    await expect(other).rejects.toThrow(/another latency, fee\. Choose another folder/);
    writeFileSync(join(folder, "checkpoint.json"), "{ torn");
    const store = await openRunStore(folder, identity);
    await expect(store.load()).rejects.toThrow(RunCorruptError);
  });

  it("error: a chunk that is gone", async () => {
    const market = await marketOf(HISTORY_HOURS + 60);
    const folder = newFolder();
    await runBacktest(specOf(market), await contextIn(folder));
    const { store } = await contextIn(folder);
    await expect(store.readChunk(49)).rejects.toThrow(/bars-00000049.json cannot be gone on from/);
  });
});

/** As an execution throws it for a trade larger than its pool. */
class TooLargeError extends BallastError {
  readonly code = "TRADE_EXCEEDS_POOL";
}

describe("a policy that fails", () => {
  const failing = (change: () => ReturnType<Policy["choose"]>, at: number): Policy => ({
    ...thresholdPolicy(),
    choose: (input) => (input.snapshot.at >= at ? change() : thresholdPolicy().choose(input)),
  });

  it("error: stops the run with its name, bar and cause; the checkpoint before it stays, and the run goes on", async () => {
    const market = await marketOf(HISTORY_HOURS + 160);
    const spec = specOf(market);
    const whole = await runBacktest(spec, await contextIn());
    const folder = newFolder();
    const at = spec.from + 120 * HOUR_MS;
    const cause = new TypeError("x is not a function");
    const policy = failing(() => {
      throw cause;
    }, at);
    const error = await runBacktest({ ...spec, policy }, await contextIn(folder)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PolicyFailedError);
    expect(error).toMatchObject({ code: "POLICY_FAILED", policy: "threshold", bar: 120, at, cause });
    expect(JSON.parse(stored(folder)).bars).toBe(100);
    expect(await runBacktest(spec, await contextIn(folder))).toEqual(whole);
  });

  it.each([
    ["that sum to less than one", [0.25, 0.375, 0.3]],
    ["that are too few", [0.5, 0.5]],
    ["of which one is negative", [-0.5, 0.75, 0.75]],
  ])("error: weights %s", async (_, weights) => {
    const market = await marketOf(HISTORY_HOURS + 10);
    const toWeights = weights.map((w) => wad(BigInt(w * 1e18)));
    const policy = failing(() => ({ kind: "rebalance", reason: "breach", toWeights, numbers: {} }), 0);
    const error = await runBacktest(specOf(market, { policy }), await contextIn()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "POLICY_FAILED", bar: 0 });
    expect((error as Error).cause).toBeInstanceOf(WeightsNotOneError);
  });

  it("error: a trade larger than the pool stops the run, and the checkpoint stays", async () => {
    const market = await marketOf(HISTORY_HOURS + 600);
    const shallow = {
      ...constantRates(),
      swapCosts: (_: string, dollars: number) => {
        throw new TooLargeError(`${dollars} dollars`);
      },
    };
    const folder = newFolder();
    const run = runBacktest(specOf(market, { execution: shallow }), await contextIn(folder));
    await expect(run).rejects.toThrow(TooLargeError);
    expect(JSON.parse(stored(folder)).bars % 50).toBe(0);
  });
});
