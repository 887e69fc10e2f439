import { HOUR_MS, type RawMarket, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { toCostRows } from "./costs.ts";

const start = unixMillis(Date.UTC(2022, 0, 1));
const toRows = (raw: RawMarket, hours: number) => {
  const lines: string[] = [];
  const { market } = toMarket(raw, { now: unixMillis(start + hours * HOUR_MS) });
  return { rows: toCostRows(market, (line) => lines.push(line)), lines };
};

describe("toCostRows", () => {
  it("default: four figures a horizon, finite, with the base fee of the market", async () => {
    const raw = await syntheticSource({ seed: 1, hours: 1200, start }).load({});
    const { rows } = toRows(raw, 1200);
    expect(rows.map(({ name }) => name)).toEqual(
      ["1h", "4h", "24h"].flatMap((h) =>
        ["log_r2", "pinball", "coverage90", "lowest"].map((name) => `base_fee_${name}_${h}`),
      ),
    );
    for (const { value, peerValue } of rows)
      expect(Number.isFinite(value) && Number.isFinite(peerValue)).toBe(true);
    for (const { value } of rows.filter(({ name }) => name.includes("coverage")))
      expect(value).toBeGreaterThan(0.5);
  });

  it("behaviour: says why there is nothing where the fee is missing or too short", async () => {
    const raw = await syntheticSource({ seed: 1, hours: 900, start }).load({});
    expect(toRows(raw, 900)).toEqual({ rows: [], lines: [expect.stringMatching(/^only \d+ hours/)] });
    expect(toRows({ ...raw, exogenous: [] }, 900)).toEqual({
      rows: [],
      lines: [expect.stringMatching(/exogenous-base_fee_gwei\.csv/)],
    });
  });
});
