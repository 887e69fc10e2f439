import { type Market, unixMillis } from "@ballast/data";
import type { Execution } from "../backtest/execution.ts";
import { impactExecution } from "../backtest/impact-book.ts";
import { poolExecution } from "../backtest/pool-execution.ts";
import { trailingLiquidity } from "../backtest/trailing-liquidity.ts";
import { BadConfigError } from "../schema.ts";
import type { BacktestPlan } from "./config.ts";
import { constantRates } from "./rates.ts";

type Costs = BacktestPlan["costs"];

/** What of the costs holds for one asset. */
const of = ({ assets, ...all }: Costs, asset: string) => ({ ...all, ...assets?.[asset] });

/**
 * The execution that a plan asks for, for the assets of its portfolio but the base asset. Throws BadConfigError, and
 * what trailingLiquidity throws.
 */
export function toExecution(
  plan: Pick<BacktestPlan, "costs" | "gas" | "portfolio">,
  market: Market,
): Execution {
  const { costs, gas } = plan;
  const { kind, route, attestation } = costs;
  const assets = Object.keys(plan.portfolio.targets).filter((asset) => asset !== plan.portfolio.base);
  const each = <T>(venueOf: (asset: string) => T): Record<string, T> =>
    Object.fromEntries(assets.map((asset) => [asset, venueOf(asset)]));
  switch (kind) {
    case "constant":
      return constantRates({ ...costs, gas });
    case "pool":
      return poolExecution({
        route,
        attestation,
        venues: each((asset) => {
          const { fee, reserve } = of(costs, asset);
          if (reserve === undefined)
            throw new BadConfigError(
              "costs",
              "reserve",
              `is missing for ${asset}; give dollars for all, or for each.`,
            );
          return { fee: Math.round(fee * 1e6), liquidity: { reserve } };
        }),
      });
    case "market":
      return impactExecution(
        each((asset) => {
          const { fee, spread, windowDays } = of(costs, asset);
          return { takerFee: fee, liquidityAt: trailing(market, asset, windowDays, spread) };
        }),
        attestation,
      );
  }
}

/** Of a time, only what had closed by then. */
function trailing(market: Market, asset: string, windowDays: number, leastSpread: number) {
  const { start, length, intervalMs } = market;
  const bars = market
    .past(unixMillis(start + length * intervalMs))
    .bars(market.assets.indexOf(asset), length);
  const window = Math.round((windowDays * 86_400_000) / intervalMs);
  return trailingLiquidity(
    { ...bars, firstClose: start + intervalMs, barMs: intervalMs },
    window,
    leastSpread,
  );
}
