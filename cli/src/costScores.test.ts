import { describe, expect, it } from "vitest";
import { describeCosts } from "./costScores.ts";

describe("describeCosts", () => {
  it("default: scores of each series at each horizon, and what was left out", () => {
    const score = {
      horizonHours: 4,
      count: 4376,
      rSquared: 0.7049,
      persistenceRSquared: null,
      pinballRatio: 0.7294,
      tAgainstPersistence: -19.423,
      coverage90: { last: 0.912, mean: 0.91, lowest: 0.91 },
    };
    const served = [
      {
        series: "base_fee_gwei",
        transform: "log",
        hours: 8760,
        scoredFrom: "2023-07-02T13:00:00Z",
        refits: 6,
        scores: [score, { ...score, horizonHours: 24 }],
      },
    ] as const;
    const lines = describeCosts({ served, leftOut: [{ series: "rate", reason: "It never moved." }] });
    expect(lines).toEqual([
      "costs ahead    base_fee_gwei 4 h: R² 0.705 (persistence –), pinball 0.729 of persistence's, t -19.42, 90 % interval covers 91.2 %",
      expect.stringContaining("base_fee_gwei 24 h"),
      "costs ahead    not rate: It never moved.",
    ]);
  });

  it("behaviour: no series is said to be none; a manifest that knows of none says nothing", () => {
    expect(describeCosts({ served: [], leftOut: [] })).toEqual([
      "costs ahead    none: the data had no series that could be forecast",
    ]);
    expect(describeCosts(undefined)).toEqual([]);
  });
});
