import path from "node:path";
import { HOUR_MS, openArtefactStore, unixMillis } from "@ballast/data";
import { afterEach, describe, expect, it } from "vitest";
import { TooLittleHistoryError } from "../src/dataset.ts";
import { queueRunner } from "../src/jobs/queue.ts";
import { RedisGoneError } from "../src/jobs/redis.ts";
import { threadRunner } from "../src/jobs/threads.ts";
import { datasetBefore, type Trial, type TrialRunner, validationLoss } from "../src/jobs/trial.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "../src/markets.fixture.ts";
import { openSweepJournal, SweepChangedError, SweepJournalError } from "../src/sweep/journal.ts";
import { NothingConvergedError, type SweepOutcome, sweep, toInnerDataset } from "../src/sweep/sweep.ts";
import { toFolds } from "../src/walkforward.ts";
import { hasRedis, startRedis, startWorkerProcess } from "./redis.fixture.ts";
import { dataset, newFolder } from "./trials.fixture.ts";

const HOURS = 4800;
const raw = await syntheticRaw(21, HOURS, ["BTC", "ETH"]);
const market = clean(raw);
const until = unixMillis(START + HOURS * HOUR_MS);
const plan = {
  base: { ...SMALL_CONFIG, members: 1, maxRows: 3000, maxEpochs: 3, ridge: 1 },
  space: { learningRate: { log: [1e-4, 3e-2] }, ridge: { log: [1e-3, 1] } },
  trials: 6,
  seed: 9,
} as const;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Runs nothing, and remembers what it was asked for. */
function scripted(loss: (trial: Trial) => number | null): TrialRunner & { readonly asked: Trial[] } {
  const asked: Trial[] = [];
  return {
    asked,
    async run(trials, onResult) {
      for (const trial of trials.toReversed()) {
        asked.push(trial);
        onResult(trial, { loss: loss(trial) });
      }
    },
    close: async () => {},
  };
}

interface Options {
  readonly folder?: string;
  readonly runner?: TrialRunner;
  readonly change?: Partial<Parameters<typeof sweep>[2]>;
  readonly of?: typeof market;
  readonly lines?: string[];
}

async function run({ folder = newFolder(), runner, change, of = market, lines = [] }: Options = {}) {
  const chosen = runner ?? threadRunner({ artefacts: folder, count: 2 });
  closing.push(() => chosen.close());
  const artefacts = await openArtefactStore(folder);
  try {
    return await sweep(
      of,
      until,
      { ...plan, ...change },
      {
        artefacts,
        runner: chosen,
        journal: (identity) => openSweepJournal(path.join(folder, "sweep.sqlite"), identity),
        log: (line) => lines.push(line),
        track: (_, work) => work(() => {}),
      },
    );
  } finally {
    artefacts.close();
  }
}

const whole = await run();
for (const close of closing.splice(0)) await close();

describe("sweep", () => {
  it("default: every trial ranked, those of the last rung first, and the best one's configuration", () => {
    const { ranking, rungs, best } = whole;
    expect(rungs).toEqual([
      { trials: 6, epochs: 1 },
      { trials: 2, epochs: 3 },
    ]);
    // Two survivors, and the start beside them unless it is one.
    const last = ranking.filter(({ epochs }) => epochs === 3);
    expect(last).toEqual(ranking.slice(0, last.length));
    expect(last.map(({ index }) => index)).toContain(0);
    expect([2, 3]).toContain(last.length);
    expect(ranking.slice(last.length).map(({ epochs }) => epochs)).toEqual(
      new Array(6 - last.length).fill(1),
    );
    expect(ranking.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ranking[0]!.loss).toBeLessThanOrEqual(ranking[1]!.loss!);
    expect(best).toMatchObject(ranking[0]!.values);
    expect(best.maxEpochs).toBe(plan.base.maxEpochs);
  });

  it("behaviour: the same seed gives the same outcome on one thread, another seed another set", async () => {
    const folder = newFolder();
    expect(await run({ folder, runner: threadRunner({ artefacts: folder, count: 1 }) })).toEqual(whole);
    const other = await run({ runner: scripted(() => 1), change: { seed: 10 } });
    expect(other.ranking.map(({ values }) => values)).not.toEqual(whole.ranking.map(({ values }) => values));
  });

  it("behaviour: what is in the journal is not run again, and a killed sweep comes to the same end", async () => {
    const folder = newFolder();
    const inner = threadRunner({ artefacts: folder, count: 2 });
    closing.push(() => inner.close());
    let finished = 0;
    const dying: TrialRunner = {
      ...inner,
      run: (trials, onResult, signal) =>
        inner.run(
          trials,
          (trial, result) => {
            onResult(trial, result);
            if (++finished === 3) throw new Error("killed");
          },
          signal,
        ),
    };
    await expect(run({ folder, runner: dying })).rejects.toThrow("killed");
    const lines: string[] = [];
    let rerun = 0;
    const counting: TrialRunner = {
      ...inner,
      run: (trials, onResult, signal) => {
        rerun += trials.length;
        return inner.run(trials, onResult, signal);
      },
    };
    expect(await run({ folder, runner: counting, lines })).toEqual(whole);
    expect(rerun).toBe(6 + whole.ranking.filter(({ epochs }) => epochs === 3).length - 3);
    expect(lines).toContain("rung 1 of 2: 3 of 6 trials are in the journal already.");
    const idle = scripted(() => 0);
    expect(await run({ folder, runner: idle })).toEqual(whole);
    expect(idle.asked).toEqual([]);
  });

  it("behaviour: no bar at or after the first test fold changes anything", async () => {
    const folds = toFolds(5000, 1, plan.base);
    const inner = toInnerDataset({ ...dataset, ...grown(5000) }, plan.base);
    expect(inner.times).toHaveLength(folds[0]!.trainEnd);
    expect(folds[0]!.testStart - folds[0]!.trainEnd).toBe(168);
    // The embargo lies between the last time a trial sees and the fold, so that its longest target ends before it.
    const from = Date.parse(whole.dataset.until) + 168 * HOUR_MS;
    const late = (s: (typeof raw.series)[number], x: Float64Array) =>
      x.map((v, i) => (s.time[i]! >= from ? v * (1.5 + 0.3 * Math.sin(i)) : v));
    const changed = clean({
      ...raw,
      series: raw.series.map((s) => ({
        ...s,
        bars: {
          open: late(s, s.bars.open),
          high: late(s, late(s, s.bars.high)),
          low: s.bars.low,
          close: late(s, s.bars.close),
          volume: s.bars.volume,
        },
      })),
    });
    expect(changed.hash).not.toBe(market.hash);
    const outcome: SweepOutcome = await run({ of: changed, runner: scripted(({ seed }) => seed) });
    expect(outcome.dataset).toEqual(whole.dataset);
  });

  it("behaviour: a trial that diverged goes no farther; with none left the sweep says so", async () => {
    const few = scripted(({ config }) => (config.learningRate < 1e-3 ? 0.9 : null));
    const { ranking } = await run({ runner: few });
    expect(ranking[0]!.loss).toBe(0.9);
    expect(ranking.at(-1)!.loss).toBe(null);
    await expect(run({ runner: scripted(() => null) })).rejects.toThrow(NothingConvergedError);
  });

  it("behaviour: the start runs on the last rung however bad it is, and others by their loss", async () => {
    const { learningRate } = plan.base;
    const bad = scripted(({ config }) => (config.learningRate === learningRate ? 9 : config.learningRate));
    const { ranking, best } = await run({ runner: bad });
    expect(ranking.filter(({ epochs }) => epochs === 3).map(({ index }) => index)).toContain(0);
    expect(ranking[2]).toMatchObject({ index: 0, loss: 9 });
    expect(best.learningRate).toBe(Math.min(...ranking.slice(0, 2).map(({ loss }) => loss!)));
    const rates = ranking.filter(({ index }) => index !== 0).map(({ values }) => values.learningRate);
    expect(rates).toEqual([...rates].sort());
  });

  it("behaviour: equal configurations are one trial, and a line says so", async () => {
    const runner = scripted(() => 1);
    const lines: string[] = [];
    // The base has the ridge 1 itself.
    const { ranking } = await run({ runner, lines, change: { space: { ridge: { choices: [1, 2] } } } });
    expect(runner.asked).toHaveLength(2);
    expect(ranking.map(({ values }) => values)).toEqual([{ ridge: 1 }, { ridge: 2 }]);
    expect(lines).toContain("Of 6 configurations drawn 2 differ; each of these is one trial.");
  });

  it("error: the journal of another sweep or of other data, and one that cannot be opened", async () => {
    const folder = newFolder();
    const runner = scripted(() => 1);
    await run({ folder, runner });
    await expect(run({ folder, runner, change: { seed: 10 } })).rejects.toThrow(SweepChangedError);
    await expect(
      run({ folder, runner, of: clean(await syntheticRaw(22, HOURS, ["BTC", "ETH"])) }),
    ).rejects.toThrow("belongs to a sweep with another data.");
    // More trials of the same sweep are welcome.
    expect((await run({ folder, runner, change: { trials: 7 } })).ranking).toHaveLength(7);
    expect(() => openSweepJournal("/dev/null/sweep.sqlite", {})).toThrow(SweepJournalError);
  });

  it("error: history that leaves too little before the first test fold", async () => {
    const short = clean(await syntheticRaw(1, 3000, ["BTC", "ETH"]));
    const message = /the market has \d+ hours of bars, training needs 3\d{3}/;
    await expect(run({ of: short, runner: scripted(() => 1) })).rejects.toThrow(TooLittleHistoryError);
    await expect(run({ of: short, runner: scripted(() => 1) })).rejects.toThrow(message);
  });

  it.skipIf(!hasRedis)(
    "behaviour: Redis gone for good in the middle of a sweep; threads go on to the same end",
    async () => {
      const folder = newFolder();
      const server = await startRedis();
      closing.push(() => server.kill());
      const worker = startWorkerProcess(server.url, folder, 1_500);
      closing.push(async () => worker.child.kill("SIGKILL"));
      const runner = await queueRunner({ url: server.url, log: () => {}, pollMs: 20, patienceMs: 300 });
      const started = run({ folder, runner });
      started.catch(() => {});
      await worker.until(/loss[\s\S]*loss/);
      await server.kill();
      await expect(started).rejects.toThrow(RedisGoneError);
      const lines: string[] = [];
      expect(await run({ folder, lines })).toEqual(whole);
      expect(lines.join()).toMatch(/[12] of 6 trials are in the journal already/);
    },
  );
});

describe("validationLoss", () => {
  it("default: a fit on more epochs differs, and a fit that diverges has none", async () => {
    const config = { ...SMALL_CONFIG, members: 1 };
    const one = await validationLoss(dataset, config, 1, 1);
    expect(one).toBeGreaterThan(0.3);
    expect(one).toBeLessThan(3);
    expect(await validationLoss(dataset, config, 1, 3)).not.toBe(one);
    expect(await validationLoss(datasetBefore(dataset, dataset.times.length), config, 1, 1)).toBe(one);
  });
});

/** Empty tables of so many times. */
function grown(times: number) {
  const per = (table: Float64Array) => new Float64Array((table.length / dataset.times.length) * times);
  const { features, targets, ewma } = dataset;
  return {
    strideHours: 1,
    times: new Float64Array(times),
    features: per(features),
    targets: per(targets),
    ewma: per(ewma),
  };
}
