import { expect, test } from "vitest";
import type { Decision } from "./api.ts";
import { reliabilityOf } from "./reliability.ts";

const FORECAST = `0x${"1".repeat(64)}`;
const hour = (
  n: number,
  probability: number,
  changes: { breached?: true; traded?: true; none?: true } = {},
) =>
  ({
    at: new Date(n * 3.6e6).toISOString(),
    breachProbability: probability,
    isBreached: changes.breached ?? false,
    action: changes.traded ? "rebalance" : "hold",
    decision: { forecastHash: changes.none ? `0x${"0".repeat(64)}` : FORECAST },
  }) as Decision;

test("default: counts by hand: what was forecast for two hours, and whether it came", () => {
  const decisions = [
    hour(0, 0.12),
    hour(1, 0.18),
    hour(2, 0.95),
    hour(3, 0, { breached: true }),
    hour(4, 0.5),
  ];
  // Hour 0 looks at 1 and 2: nothing. Hour 1 at 2 and 3: a breach. Hour 2 at 3 and 4: a breach. Later ones are open.
  const { bins, count, leftOut } = reliabilityOf(decisions.toReversed(), 2);
  expect(count).toBe(3);
  expect(leftOut).toBe(0);
  expect(bins).toEqual([
    { forecast: 0.15, observed: 0.5, count: 2 },
    { forecast: 0.95, observed: 1, count: 1 },
  ]);
});

test("behaviour: what a trade prevented is left out, and what had no forecast is not counted", () => {
  const decisions = [
    hour(0, 0.4),
    hour(1, 0.6, { traded: true }),
    hour(2, 0.1, { none: true }),
    hour(3, 0.1),
  ];
  expect(reliabilityOf(decisions, 1)).toEqual({ hours: 1, count: 0, leftOut: 2, bins: [] });
});

test("error: nothing to go by gives nothing", () => {
  expect(reliabilityOf([], 12)).toEqual({ hours: 12, count: 0, leftOut: 0, bins: [] });
});
