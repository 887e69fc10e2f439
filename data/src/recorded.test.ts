import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeReport, toMarket } from "./quality.ts";
import { fileSource } from "./sources/files.ts";
import { HOUR_MS, isoTime, unixMillis } from "./units.ts";

/* Recorded markets with their real flaws, against counts made by plain loops over the times alone. */
const root = process.env.BALLAST_TEST_DATA;
if (root === undefined)
  console.log("BALLAST_TEST_DATA is not set: left out are the recorded markets in recorded.test.ts");
const now = unixMillis(Date.UTC(2025, 0, 1));

/** Reading and checking half a million bars takes a second, on a busy machine several. */
const timeout = 60_000;

const loaded = async (name: string) => {
  const raw = await fileSource(join(root!, name)).load({});
  return { raw, ...toMarket(raw, { now }) };
};

/** Missing bars of each asset on the common grid, by looking every time up in a set. */
const countMissing = (times: ReadonlyMap<string, readonly number[]>, intervalMs: number) => {
  const start = Math.max(...[...times.values()].map((own) => Math.min(...own)));
  // Without each one's last bar, which is dropped as unproven.
  const end = Math.min(...[...times.values()].map((own) => Math.max(...own) - intervalMs));
  const missing = new Map<string, number>();
  for (const [asset, own] of times) {
    const known = new Set(own);
    for (let t = start; t <= end; t += intervalMs) {
      if (!known.has(t)) missing.set(asset, (missing.get(asset) ?? 0) + 1);
    }
  }
  return { start, length: (end - start) / intervalMs + 1, missing };
};

describe("recorded markets", { timeout }, () => {
  it.skipIf(root === undefined)(
    "default: freqtrade JSON, hourly, with outages and partial last bars",
    async () => {
      const { market, report } = await loaded("binance-spot-1h");
      const times = new Map<string, number[]>();
      let zeroVolumeOfFtt = 0;
      for (const file of readdirSync(join(root!, "binance-spot-1h"))) {
        const rows = JSON.parse(readFileSync(join(root!, "binance-spot-1h", file), "utf8")) as number[][];
        times.set(
          file.split("_")[0]!,
          rows.map((row) => row[0]!),
        );
        if (file.startsWith("FTT")) zeroVolumeOfFtt = rows.filter((row) => row[5] === 0).length;
      }
      const twin = countMissing(times, HOUR_MS);
      expect(market).toMatchObject({ start: twin.start, length: twin.length, intervalMs: HOUR_MS });
      expect(market.assets).toEqual([...times.keys()].sort());
      const gaps = report.findings.filter((finding) => finding.kind === "gap");
      expect(new Map(gaps.map((finding) => [finding.asset, finding.count]))).toEqual(twin.missing);
      const past = market.past(now);
      for (const [i, asset] of market.assets.entries()) {
        const filled = past.filled(i, market.length).reduce((sum, flag) => sum + flag, 0);
        expect(filled).toBe(twin.missing.get(asset) ?? 0);
      }
      expect(report.findings).toContainEqual(
        expect.objectContaining({ kind: "zero-volume", asset: "FTT", count: zeroVolumeOfFtt }),
      );
      const unproven = report.findings.filter((finding) => finding.kind === "unproven-last-bar");
      expect(unproven.map((finding) => isoTime(finding.firstTime))).toEqual(
        Array(16).fill("2022-10-11T10:00:00Z"),
      );
      expect(describeReport(report).length).toBeLessThan(10);
    },
  );

  it.skipIf(root === undefined)(
    "default: of the two oldest pairs the outage of 33 hours is filled, or refused",
    async () => {
      const raw = await fileSource(join(root!, "binance-spot-1h")).load({ assets: ["BTC", "ETH"] });
      const { report } = toMarket(raw, { now });
      expect(report.findings.filter((f) => f.kind === "gap")).toMatchObject([
        { asset: "BTC", count: 127, example: 33 },
        { asset: "ETH", count: 127, example: 33 },
      ]);
      expect(() => toMarket(raw, { now, maxGapHours: 32 })).toThrow(
        expect.objectContaining({ code: "GAP_TOO_LONG", hours: 33 }),
      );
    },
  );

  it.skipIf(root === undefined)("default: CSV with tickers and times without a zone", async () => {
    const { raw, market, report } = await loaded("binance-spot-1h-2023q4");
    expect(raw.notes).toEqual(["times have no zone; taken as UTC"]);
    expect(raw.series.every((series) => series.quote === "USDT")).toBe(true);
    const times = new Map<string, number[]>();
    for (const file of readdirSync(join(root!, "binance-spot-1h-2023q4"))) {
      const lines = readFileSync(join(root!, "binance-spot-1h-2023q4", file), "utf8")
        .trim()
        .split("\n")
        .slice(1);
      times.set(
        file.split("USDT")[0]!,
        lines.map((line) => Date.parse(`${line.slice(0, 19).replace(" ", "T")}Z`)),
      );
    }
    const twin = countMissing(times, HOUR_MS);
    expect(market).toMatchObject({ start: twin.start, length: twin.length });
    expect(report.findings.filter((f) => f.kind === "gap")).toHaveLength(twin.missing.size);
  });

  it.skipIf(root === undefined)(
    "default: Feather with LZ4, 5 minutes, files that end a day apart",
    async () => {
      const { raw, market, report } = await loaded("binance-spot-5m");
      const times = raw.series.map((series) => series.time);
      const starts = times.map((own) => own[0]!);
      const lasts = times.map((own) => own[own.length - 1]!);
      expect(Math.max(...lasts) - Math.min(...lasts)).toBeGreaterThan(20 * HOUR_MS);
      expect(market).toMatchObject({ intervalMs: 300_000, start: Math.max(...starts) });
      expect(market.length).toBe((Math.min(...lasts) - Math.max(...starts)) / 300_000);
      expect(report.findings.filter((f) => f.kind === "gap")).toEqual([]);
      // Nothing missing on this grid: every series has as many distinct times as steps from its first to its last.
      for (const own of times) expect(new Set(own).size).toBe((own.at(-1)! - own[0]!) / 300_000 + 1);
    },
  );
});
