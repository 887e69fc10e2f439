import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSource } from "@ballast/data";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { measureIngestion, readMostTraded, writeSyntheticBars } from "./bars.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ballast-bench-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("bars of a benchmark", () => {
  it("default: the synthetic market is the same on every run and reads back whole", async () => {
    await writeSyntheticBars(join(folder, "a"), 800);
    await writeSyntheticBars(join(folder, "b"), 800);
    const [a, b] = await Promise.all(["a", "b"].map((name) => readMostTraded(join(folder, name), 4)));
    expect(a!.hash).toBe(b!.hash);
    expect(a!.assets).toHaveLength(4);
    // The youngest bar has not closed at its own opening time.
    expect(a!.length).toBe(799);
  });

  it("behaviour: the most traded are those with the largest price times volume of the last month", async () => {
    await writeSyntheticBars(folder, 1_000);
    const { series } = await fileSource(folder).load({});
    const money = series.map(({ asset, bars }) => {
      let sum = 0;
      for (let i = 1_000 - 720; i < 1_000; i++) sum += bars.close[i]! * bars.volume[i]!;
      return { asset, sum };
    });
    const best = money.sort((x, y) => y.sum - x.sum).slice(0, 2);
    expect((await readMostTraded(folder, 2)).assets).toEqual(best.map(({ asset }) => asset).sort());
  });

  it("default: ingestion counts every bar of every file", async () => {
    await writeSyntheticBars(folder, 800);
    const row = await measureIngestion(folder, { warmUp: 0, samples: 1 });
    expect(row).toMatchObject({ name: "bars_ingested_per_s", better: "more" });
    expect(row.value).toBeGreaterThan(0);
    expect(row.peerValue).toBeGreaterThan(0);
  });

  it("error: a folder without bars", async () => {
    await expect(readMostTraded(folder, 4)).rejects.toMatchObject({ code: "EMPTY_FOLDER" });
  });
});
