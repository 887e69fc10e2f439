import { expect, it } from "vitest";
import {
  budgetOf,
  type ContestOptions,
  compareFrontiers,
  FAMILIES,
  poolFolds,
  runProtocol,
  simulate,
  toContender,
} from "../index.ts";
import { toArenas } from "./arenas.ts";
import {
  ANCHORS,
  BASKET,
  DAY,
  FROM,
  HALTON,
  MIDDLE,
  mean,
  RULES,
  scoreSlowly,
  sum,
  TO,
  toTwin,
  WIDTHS,
} from "./contest-twin.fixture.ts";
import { loadHours } from "./hours.ts";
import { RECORDED, withRecordedMarket } from "./recorded-market.fixture.ts";
import { toMainnet } from "./venues.ts";

it("behaviour: a ratio of the contest is the same by plain loops over the raw hours", async () => {
  await withRecordedMarket(async (market) => {
    const hours = await loadHours(market.bars, market.gas, RECORDED.assets, 0);
    const venue = toMainnet(hours, () => {});
    expect(venue.window).toEqual({ from: FROM, to: TO });
    const contest: ContestOptions = {
      arenaOf: toArenas(hours, venue, BASKET),
      shapes: HALTON.length,
      widths: WIDTHS,
      anchors: ANCHORS,
      blockBars: DAY,
      starts: 2,
    };
    const names = ["threshold", "predictive"];
    const [fold] = runProtocol(
      {
        folds: [{ tune: { from: FROM, to: MIDDLE }, score: { from: MIDDLE, to: TO } }],
        budget: budgetOf(contest),
        data: "twin",
        ledger: { count: () => 1 },
      },
      names.map((name) => toContender(FAMILIES.find((family) => family.name === name)!, contest)),
    );
    const objective = "cost-at-tracking-error" as const;
    const [plain, own] = fold!.map(({ score }) => poolFolds([score], objective));
    const options = { objective, meanBlock: 5, resamples: 1, seed: 1 };
    const { estimate } = compareFrontiers(own!, plain!, options);

    const run = toTwin(market);
    const slow = names.map((name) => scoreSlowly(run, RULES[name]!));
    const all = slow.flat();
    const elasticity = 1 + sum(all.map(({ gas }) => gas)) / sum(all.map(({ cost }) => cost));
    const [theirs, mine] = slow.map((points) =>
      mean(points.map(({ cost, squares }) => cost * Math.sqrt(squares) ** elasticity)),
    );
    for (const [c, pooled] of [plain!, own!].entries()) {
      for (const [k, { cost, squares }] of pooled.entries()) {
        expect(mean([...cost])).toBeCloseTo(slow[c]![k]!.cost, 10);
        expect(mean([...squares]) / slow[c]![k]!.squares).toBeCloseTo(1, 8);
      }
    }
    expect(mine).toBeGreaterThan(0);
    expect(estimate).not.toBe(1);
    expect(estimate).toBeCloseTo(mine! / theirs!, 8);
  });
});

it("behaviour: so is what every kind of shape pays and strays, tuned or not", async () => {
  await withRecordedMarket(async (market) => {
    const hours = await loadHours(market.bars, market.gas, RECORDED.assets, 0);
    const arena = toArenas(
      hours,
      toMainnet(hours, () => {}),
      BASKET,
    )({ from: MIDDLE, to: TO });
    const run = toTwin(market);
    for (const name of ["threshold", "predictive"]) {
      const family = FAMILIES.find((one) => one.name === name)!;
      for (const shape of [...HALTON, [0.6, 0.5, 0.1, 0.7], [0.9, 0.5, 0.95, 0.1]]) {
        for (const width of WIDTHS) {
          const fast = simulate(arena.market, family.toRule(shape, width, arena), arena.costs, arena.options);
          const slow = run(MIDDLE, TO, RULES[name]!(shape, width));
          const what = `${name} ${shape} ${width}`;
          expect(fast.trades, what).toBe(slow.cost.filter((cost) => cost > 0).length);
          expect(fast.gas, what).toBeCloseTo(sum(slow.gas), 12);
          expect(fast.fees + fast.gas + fast.impact, what).toBeCloseTo(sum(slow.cost), 12);
          expect(fast.trackingError / Math.sqrt(mean(slow.squares)), what).toBeCloseTo(1, 9);
        }
      }
    }
  });
});
