import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RawSeries, syntheticSource, unixMillis } from "@ballast/data";
import { beforeAll, describe, expect, it } from "vitest";
import { expectRefused, lastJson, newFolder, run, start, writeBars } from "./child.ts";

const HOURS = 3200;
const LATER_HOURS = 300;
const TRAINING = [
  "backend: wasm",
  "training:",
  "  maxRows: 2000",
  "  hidden: [6]",
  "  members: 1",
  "  batchRows: 256",
  "  maxEpochs: 2",
  "  folds: 2",
  "  calibrationTimes: 60",
].join("\n");
const ARGS = ["train", "--config", "train.yaml", "--bars", "bars", "--json"];

const first = (series: RawSeries, count: number): RawSeries => ({
  ...series,
  time: series.time.slice(0, count),
  bars: {
    open: series.bars.open.slice(0, count),
    high: series.bars.high.slice(0, count),
    low: series.bars.low.slice(0, count),
    close: series.bars.close.slice(0, count),
    volume: series.bars.volume.slice(0, count),
  },
});

describe("ballast train --every", () => {
  let bars: readonly RawSeries[];
  beforeAll(async () => {
    const begin = unixMillis(Date.UTC(2023, 0, 1));
    const hours = HOURS + LATER_HOURS;
    bars = (await syntheticSource({ seed: 5, hours, start: begin, assets: ["BTC", "ETH"] }).load({})).series;
  });

  it("default: a scheduled training gives the model of one by hand at the same time, and Ctrl-C ends it", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "train.yaml"), TRAINING);
    const part = bars.map((series) => first(series, HOURS));
    writeBars(join(folder, "bars"), part);
    const scheduled = start(folder, [...ARGS, "--every", "24h", "--drift"]);
    await scheduled.until("stdout", /"event":"promoted".*\n/);
    scheduled.child.kill("SIGINT");
    const ended = await scheduled.ended;
    expect(ended.stderr).toMatch(/STOPPED: Stopped by the user; the champion serves on/);
    expect(ended.status).toBe(130);
    const log = readFileSync(join(folder, ".ballast/artefacts/retraining.jsonl"), "utf8");
    expect(log).toBe(ended.stdout);
    const [trained, promoted] = log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(trained).toMatchObject({ event: "trained", reason: "scheduled" });
    expect(promoted).toMatchObject({ event: "promoted", modelId: trained.modelId });
    expect(ended.stderr).toContain(`trained ${trained.modelId} on bars until ${trained.until}: scheduled`);
    const champion = lastJson(await run(folder, ["models", "list", "--json"])).champion;
    expect(champion.modelId).toBe(trained.modelId);

    // Later, with more bars on the disk, somebody repeats it by hand.
    writeBars(join(folder, "bars"), bars);
    const byHand = await run(folder, [...ARGS, "--until", trained.until, "--artefacts", "other"]);
    expect(lastJson(byHand).modelId).toBe(trained.modelId);
    expect(lastJson(byHand).dataset.until).toBe(trained.until);

    // Started again at once, it waits for its hour: nothing is trained, and no drift is found.
    const again = start(folder, [...ARGS, "--every", "24h", "--drift"]);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    again.child.kill("SIGTERM");
    const second = await again.ended;
    expect({ status: second.status, stdout: second.stdout }).toEqual({ status: 130, stdout: "" });
  });

  it("error: --until with --every, --drift without it, and bars that are not there yet", async () => {
    const folder = newFolder();
    const fixed = await run(folder, ["train", "--bars", "bars", "--every", "24h", "--until", "2023-05-01"]);
    expectRefused(fixed, /BAD_CONFIG: --every: until is a time in the past/);
    expectRefused(await run(folder, ["train", "--drift"]), /--drift goes with --every/, 2);
    const early = start(folder, ["train", "--bars", "none", "--every", "24h"]);
    await early.until(
      "stderr",
      /failed, the champion serves on: training: NO_BARS_FOLDER: There is no folder none/,
    );
    early.child.kill("SIGINT");
    expect((await early.ended).status).toBe(130);
  });
});
