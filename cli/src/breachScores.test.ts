import { describe, expect, it } from "vitest";
import { describeBreachNetwork } from "./breachScores.ts";

describe("describeBreachNetwork", () => {
  it("default: what integers lose at the worst horizon, and the skill per band and horizon", () => {
    const horizon = {
      horizonHours: 1,
      qlike: 1.9,
      qlikeFloat: 1.9,
      qlikeLinear: 1.95,
      quantisationLossPct: -0.01,
    };
    const lines = describeBreachNetwork({
      id: "0xabc",
      rows: 2000,
      heldRows: 600,
      horizons: [horizon, { ...horizon, horizonHours: 4, quantisationLossPct: 0.0164 }],
      breach: [
        {
          band: 0.015,
          horizonHours: 168,
          predictions: 600,
          frequency: 0.2666,
          auc: 0.7456,
          brierSkill: 0.1119,
        },
      ],
    });
    expect(lines).toEqual([
      "vault's network 0xabc: integers lose 0.016 % of QLIKE at the worst horizon",
      "vault's network 1.5 pp, 168 h: AUC 0.746, Brier skill 0.112, 26.7 % breached",
    ]);
  });

  it("behaviour: a model of before says nothing", () => {
    expect(describeBreachNetwork(undefined)).toEqual([]);
  });
});
