import { DECIDE_DEFAULTS } from "@ballast/agent";
import { describe, expect, it } from "vitest";
import { toSimMarket } from "../backtest/market.ts";
import { simulate } from "../backtest/simulate.ts";
import { contextIn, HISTORY_HOURS, marketOf, PORTFOLIO, specOf } from "./replay.fixture.ts";
import { runBacktest } from "./run.ts";

/**
 * The event-driven backtest, with an agent's decisions and a vault in smallest units, against the fast simulator's
 * shares of value: two programs that have the market's closes in common and nothing else.
 */
describe("the event-driven backtest and the fast simulator", () => {
  it.each([3, 8, 21])(
    "behaviour: trade at the same bars and come to the same value, seed %i",
    async (seed) => {
      const market = await marketOf(HISTORY_HOURS + 700, seed);
      const free = {
        name: "free",
        swapCosts: () => ({ fee: 0, spread: 0, impact: 0, mev: 0 }),
        gasUnits: () => ({ rebalance: 0, attestation: 0 }),
      };
      const spec = specOf(market, {
        latency: 0,
        execution: free,
        decideOptions: { ...DECIDE_DEFAULTS, minTradeShare: 0 },
      });
      const made = await runBacktest(spec, await contextIn());
      const targets = PORTFOLIO.assets.map(({ target }) => target);
      const bands = PORTFOLIO.assets.map(({ band }) => band);
      const fast = simulate(
        toSimMarket(made.bars.prices, targets),
        { triggers: bands },
        { nav: PORTFOLIO.nav, feeRates: targets.map(() => 0) },
        { bands },
      );
      expect(fast.trades).toBeGreaterThan(3);
      expect(made.trades).toHaveLength(fast.trades);
      expect(made.bars.value.at(-1)! / PORTFOLIO.nav).toBeCloseTo(fast.growth, 6);
      const turnover = made.trades.reduce(
        (sum, { soldDollars, executedAt }) =>
          sum + soldDollars / made.bars.value[made.bars.at.indexOf(executedAt)]!,
        0,
      );
      expect(turnover).toBeCloseTo(fast.turnover, 5);
      const mix = made.bars.mix.at(-1)! / PORTFOLIO.nav;
      const sim = toSimMarket(made.bars.prices, targets).mix.reduce((product, growth) => product * growth, 1);
      expect(mix).toBeCloseTo(sim, 9);
    },
  );
});
