import { describe, expect, it } from "vitest";
import { BadRecordError, readBacktestRecord } from "./read-record.ts";
import { toFixtureRecord } from "./record.fixture.ts";
import type { BacktestRecord } from "./record.ts";

const record = toFixtureRecord({ name: "a", trigger: 0.02, days: 20 });
const { bars } = record;
const [trade] = record.trades;

describe("readBacktestRecord", () => {
  it("default: gives back what was written, with NaN for what is not known", () => {
    const written: BacktestRecord = {
      ...record,
      bars: { ...bars, gasGwei: bars.gasGwei.map((gwei, t) => (t === 3 ? Number.NaN : gwei)) },
      trades: [{ ...trade!, gasGwei: Number.NaN }],
    };
    expect(readBacktestRecord(JSON.stringify(written), "record.json")).toEqual(written);
  });

  it.each([
    ["no JSON", "{", "", /^r\.json: is no JSON/],
    ["another format", { ...record, format: "demo" }, "format", /is "demo"; allowed is ballast-backtest\/1/],
    ["a list", [], "", /^r\.json: is \[\]; allowed is an object/],
    ["a missing field", { ...record, nav: undefined }, "nav", /^r\.json: nav is missing/],
    ["a missing column", { ...record, bars: { ...bars, mix: undefined } }, "bars.mix", /is missing/],
    [
      "a null value",
      { ...record, bars: { ...bars, value: bars.value.with(7, Number.NaN) } },
      "bars.value[7]",
      /is null; allowed is a number above 0/,
    ],
    [
      "a text for gas",
      { ...record, bars: { ...bars, gasGwei: ["x", ...bars.gasGwei.slice(1)] } },
      "bars.gasGwei[0]",
      /is "x"; allowed is a number, or null/,
    ],
    [
      "a negative cost",
      { ...record, trades: [{ ...trade, costs: { ...trade!.costs, mev: -1 } }] },
      "trades[0].costs.mev",
      /is -1; allowed is dollars from 0/,
    ],
    [
      "a short column",
      { ...record, bars: { ...bars, mix: [1] } },
      "bars.mix",
      /has 1 entries where bars.at has 481/,
    ],
    [
      "an asset too many",
      { ...record, assets: ["A", "B", "C", "D"] },
      "targets",
      /has 3 entries where assets has 4/,
    ],
    [
      "a time twice",
      { ...record, bars: { ...bars, at: bars.at.with(5, bars.at[4]!) } },
      "bars.at[5]",
      /ascending times/,
    ],
  ])("error: %s", (_, value, field, message) => {
    const json = typeof value === "string" ? value : JSON.stringify(value);
    expect(() => readBacktestRecord(json, "r.json")).toThrowError(
      expect.objectContaining({ code: "BAD_RECORD", file: "r.json", field }),
    );
    expect(() => readBacktestRecord(json, "r.json")).toThrowError(message);
    expect(() => readBacktestRecord(json, "r.json")).toThrowError(BadRecordError);
  });
});
