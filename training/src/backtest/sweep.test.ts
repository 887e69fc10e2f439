import { describe, expect, it } from "vitest";
import { toSimMarket } from "./market.ts";
import { toBrownianCloses } from "./simulate.fixture.ts";
import { type RuleSweep, sweepRules } from "./sweep.ts";

const BARS = 2000;
const sweep: RuleSweep = {
  market: toSimMarket(toBrownianCloses([0, 0.01, 0.02, 0.01, 0.02], BARS, 1), [0.2, 0.2, 0.2, 0.2, 0.2]),
  rules: Array.from({ length: 21 }, (_, i) => ({
    triggers: [1, 1, 1, 1, 1].map(() => 0.002 * (i + 1)),
    keep: (i % 3) / 2,
    scale: i % 2 === 0 ? undefined : Float64Array.from({ length: BARS }, (_, t) => 1 + (t % 5) / 10),
  })),
  costs: { nav: 1e6, base: 0, feeRates: [0, 0.001, 0.001, 0.001, 0.001] },
  options: { bands: [0.05, 0.05, 0.05, 0.05, 0.05] },
};

describe("sweepRules", () => {
  it("default: every number of threads gives the same results in the rules' order", async () => {
    const alone = await sweepRules(sweep, 1);
    expect(alone.map(({ trades }) => trades)).toHaveLength(21);
    expect(alone[0]!.trades).toBeGreaterThan(alone[20]!.trades);
    expect(await sweepRules(sweep, 2)).toEqual(alone);
    expect(await sweepRules(sweep, 3)).toEqual(alone);
  });
  it("behaviour: a sweep long enough for the other thread to take its share", {
    timeout: 60_000,
  }, async () => {
    const rules = Array.from({ length: 6000 }, (_, i) => sweep.rules[i % 21]!);
    const results = await sweepRules({ ...sweep, rules }, 2);
    expect(results).toHaveLength(6000);
    for (const [i, result] of results.entries()) expect(result).toEqual(results[i % 21]);
  });
  it("error: a rule that cannot run ends the sweep with what is wrong with it", async () => {
    const bad = { ...sweep, rules: [...sweep.rules, { triggers: [-1, 0, 0, 0, 0] }] };
    await expect(sweepRules(bad, 1)).rejects.toThrow(/triggers is -1/);
    await expect(sweepRules(bad, 2)).rejects.toThrow(/triggers is -1/);
  });
});
