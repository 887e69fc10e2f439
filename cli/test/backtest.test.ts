import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openJournal } from "@ballast/agent";
import { HOUR_MS, keccak, type RawSeries, syntheticSource, unixMillis } from "@ballast/data";
import type { BacktestRecord } from "@ballast/training";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { expectRefused, lastJson, newFolder, run, start, writeBars } from "./child.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const HOURS = 3_400;
const START = Date.UTC(2023, 0, 1);
const CONFIG = `
data: {bars: bars}
portfolio:
  targets: {USDC: 0.3, BTC: 0.35, ETH: 0.35}
  bands: 0.01
costs: {depth: 500000000}
model: linear
retraining: {everyDays: 10, leastDays: 90, training: {maxRows: 1500}}
policies:
  - name: threshold
  - {label: early, name: predictive, parameters: {actAt: 0.2}}
checkpointBars: 40
out: out
`;
const ARGS = ["backtest", "--config", "backtest.yaml", "--json"];

let series: readonly RawSeries[];
beforeAll(async () => {
  const source = syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  ({ series } = await source.load({}));
});

function workspace(config = CONFIG): string {
  const folder = newFolder();
  writeBars(join(folder, "bars"), series);
  writeFileSync(join(folder, "backtest.yaml"), config);
  return folder;
}

const textOf = (cwd: string, policy: string) => readFileSync(join(cwd, "out", policy, "record.json"), "utf8");
const recordOf = (cwd: string, policy: string): BacktestRecord => JSON.parse(textOf(cwd, policy));

/** Waits until a run in that folder has left so many checkpoints of a policy. */
async function untilChunks(cwd: string, policy: string, count: number): Promise<void> {
  const folder = join(cwd, "out", policy);
  const chunks = () =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("bars-0")).length : 0;
  while (chunks() < count) await sleep(5);
}

describe("ballast backtest", () => {
  let whole: string;
  beforeAll(async () => {
    whole = workspace();
    const ended = await run(whole, ARGS);
    expect(ended.status).toBe(0);
    const { runs } = lastJson(ended);
    expect(ended.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(runs.map(({ name }: { name: string }) => name)).toEqual(["threshold", "early"]);
    for (const { name, record, decisionsDigest } of runs) {
      expect(record).toBe(join("out", name, "record.json"));
      expect(recordOf(whole, name).decisionsDigest).toBe(decisionsDigest);
    }
    expect(ended.stderr).toMatch(/\d+ bars at \d+ a second, \d+ trades/);
  });

  it("default: leaves the record of each policy as JSON and as Parquet", async () => {
    const early = recordOf(whole, "early");
    expect(early.bars.at[0]).toBe(START + 90 * 24 * HOUR_MS);
    expect(early.models.length).toBe(Math.ceil(early.bars.at.length / 240));
    expect(early.trades.length).toBeGreaterThan(recordOf(whole, "threshold").trades.length);
    expect(early.bars.mix).toEqual(recordOf(whole, "threshold").bars.mix);
    for (const name of ["bars.parquet", "trades.parquet"]) {
      const bytes = readFileSync(join(whole, "out", "early", name));
      expect(bytes.subarray(0, 4).toString()).toBe("PAR1");
    }
  });

  it("behaviour: `compare` sets the records side by side", async () => {
    const ended = await run(whole, ["compare", "out", "--resamples", "100", "--json"]);
    expect(ended.status).toBe(0);
    const names = lastJson(ended).policies.map(({ name }: { name: string }) => name);
    expect(names.sort()).toEqual(["early", "threshold"]);
  });

  it("behaviour: killed half way, it goes on and comes to the identical record, and so does its journal", async () => {
    // A journal is no part of the record, and changes nothing in it.
    const cwd = workspace(`${CONFIG}\njournal: true`);
    for (const [policy, chunks] of [
      ["threshold", 7],
      ["early", 3],
      ["early", 11],
    ] as const) {
      const killed = start(cwd, ARGS);
      await untilChunks(cwd, policy, chunks);
      killed.child.kill("SIGKILL");
      expect((await killed.ended).signal).toBe("SIGKILL");
      expect(existsSync(join(cwd, "out", policy, "record.json"))).toBe(false);
    }
    const last = await run(cwd, ARGS);
    expect(last.status).toBe(0);
    expect(last.stderr).toMatch(/Going on after \d+ bars that were run before/);
    for (const policy of ["threshold", "early"]) {
      expect(textOf(cwd, policy)).toBe(textOf(whole, policy));
      const journal = openJournal(join(cwd, "out", policy, "journal.sqlite"));
      const hashes = journal.list({ limit: 10_000, order: "oldest" }).items.map(({ hash }) => hash);
      expect(keccak(new TextEncoder().encode(hashes.join()))).toBe(recordOf(whole, policy).decisionsDigest);
      journal.close();
    }
  });

  it("behaviour: Ctrl-C leaves a checkpoint, and says so; other settings cannot go on from it", async () => {
    const cwd = workspace();
    const stopped = start(cwd, ARGS);
    await untilChunks(cwd, "threshold", 2);
    stopped.child.kill("SIGINT");
    const { status, stdout, stderr } = await stopped.ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
    expect(stderr).toMatch(/STOPPED: .*what was run is kept, and the same command goes on/);
    const { bars } = JSON.parse(readFileSync(join(cwd, "out", "threshold", "checkpoint.json"), "utf8"));
    expect(bars).toBeGreaterThanOrEqual(80);

    writeFileSync(join(cwd, "backtest.yaml"), CONFIG.replace("bands: 0.01", "bands: 0.015"));
    expectRefused(
      await run(cwd, ARGS),
      /RUN_CHANGED: .*threshold belongs to a backtest with another portfolio\./,
    );
    writeFileSync(join(cwd, "backtest.yaml"), CONFIG);
    const again = await run(cwd, [...ARGS, "--policy", "threshold"]);
    expect(again.stderr).toContain(`Going on after ${bars} bars`);
    expect(textOf(cwd, "threshold")).toBe(textOf(whole, "threshold"));
  });

  it("behaviour: a model fitted on the way is the one that `train` makes of the bars until then; frozen, it serves on", async () => {
    const training = "{maxRows: 1500, hidden: [4], members: 1, maxEpochs: 2, folds: 2, calibrationTimes: 60}";
    const config = CONFIG.replace(
      "model: linear",
      "model: network\nuntil: 2023-04-04\nvault: {minScore: 200}",
    );
    const cwd = workspace(
      config.replace("training: {maxRows: 1500}", `backend: wasm, training: ${training}`),
    );
    writeFileSync(join(cwd, "train.yaml"), `data: {bars: bars}\nbackend: wasm\ntraining: ${training}\n`);
    const early = [...ARGS, "--policy", "early"];
    const [trained, ended] = await Promise.all([
      run(cwd, ["train", "--config", "train.yaml", "--until", "2023-04-01"]),
      run(cwd, early),
    ]);
    expect([trained.status, ended.status]).toEqual([0, 0]);
    const modelId = trained.stdout.trim();
    const record = recordOf(cwd, "early");
    expect(record.models).toEqual([{ from: Date.UTC(2023, 3, 1), modelId }]);
    expect(record.bars.breachProbability.every((p) => p !== null)).toBe(true);

    const frozen = lastJson(await run(cwd, [...early, "--model", modelId.slice(0, 20), "--out", "frozen"]));
    expect(frozen.runs[0].decisionsDigest).toBe(record.decisionsDigest);
    const seen = await run(cwd, [...early, "--model", modelId, "--from", "2023-03-31", "--out", "seen"]);
    expectRefused(
      seen,
      /MODEL_SAW_THE_FUTURE: .* trained on bars until 2023-04-01T00:00:00Z, .* begins at 2023-03-31/,
    );
  });

  it("behaviour: options win over the file, and the journal is the agent's own", async () => {
    const cwd = workspace(CONFIG.replace("model: linear", "journal: true"));
    const args = [
      "--assets",
      "BTC",
      "--policy",
      "predictive",
      "--from",
      "2023-04-01",
      "--until",
      "2023-04-20",
    ];
    const one = lastJson(await run(cwd, [...ARGS, ...args, "--out", "one"]));
    expect(one.runs).toMatchObject([{ name: "predictive", bars: 19 * 24 + 1 }]);
    const both = args.map((arg) => (arg === "BTC" ? "ETH,BTC" : arg));
    const { runs } = lastJson(await run(cwd, [...ARGS, ...both, "--out", "other"]));
    expect(runs).toMatchObject([{ name: "predictive", bars: 19 * 24 + 1 }]);
    const record: BacktestRecord = JSON.parse(
      readFileSync(join(cwd, "other/predictive/record.json"), "utf8"),
    );
    expect(record.assets).toEqual(["USDC", "ETH", "BTC"]);
    expect(record.targets[1]).toBeCloseTo(1 / 3, 12);
    expect(existsSync(join(cwd, "other/predictive/journal.sqlite"))).toBe(true);
  });

  it("error: what a user can cure is one line, and nothing is run", async () => {
    const cwd = workspace();
    const table: readonly (readonly [string, RegExp])[] = [
      [CONFIG.replace("ETH: 0.35", "ETH: 0.4"), /WEIGHTS_NOT_ONE: The target weights sum to 1\.0/],
      [CONFIG.replace("bands: 0.01", "bands: 0.3"), /BAND_OVERLAPS_ZERO/],
      [CONFIG.replace("{depth:", "{fee: -0.1, depth:"), /BAD_CONFIG: backtest\.yaml: costs\.fee is -0\.1/],
      [CONFIG.replace("depth: 500000000", "depth: 100"), /TRADE_EXCEEDS_POOL/],
      [CONFIG.replace("name: threshold", "name: oracle"), /oracle/],
      [CONFIG.replace("bands", "band"), /BAD_CONFIG: .*portfolio\.band is no key; did you mean bands\?/],
      [`${CONFIG}\nfrom: 2023-01-20`, /ASSET_MISSING: BTC has bars from 2023-01-01/],
      [
        CONFIG.replace("model: linear", "model: gone.json"),
        /BAD_CONFIG: model: gone\.json is none of none, linear/,
      ],
      [CONFIG.replace("model: linear", 'model: "0x12"'), /UNKNOWN_MODEL/],
    ];
    for (const [config, message] of table) {
      writeFileSync(join(cwd, "backtest.yaml"), config);
      expectRefused(await run(cwd, [...ARGS, "--out", newFolder()]), message);
    }
  });
});
