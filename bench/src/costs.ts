import { HOUR_MS, type Market, unixMillis } from "@ballast/data";
import { MIN_SERIES_ROWS, SERIES_LOOKBACK_HOURS, toHourlySeries } from "@ballast/model";
import { scoreCosts } from "@ballast/training";
import type { Row } from "./measure.ts";

const BASE_FEE = "base_fee_gwei";

/**
 * Forecasts of the base fee beside persistence, walking forward through the second half of the market's hours;
 * nothing where the market has no base fee, or less of it than two fits need.
 */
export function toCostRows(market: Market, log: (line: string) => void): Row[] {
  if (!market.exogenousNames.includes(BASE_FEE)) {
    log(`no base fee: put exogenous-${BASE_FEE}.csv beside the bars to measure its forecasts`);
    return [];
  }
  const at = unixMillis(market.start + market.length * market.intervalMs);
  const known = market.past(at).exogenous(BASE_FEE, Number.MAX_SAFE_INTEGER);
  const hours = Math.floor((at - (known.publishedAt[0] ?? at)) / HOUR_MS);
  if (hours < 2 * (SERIES_LOOKBACK_HOURS + MIN_SERIES_ROWS + 24)) {
    log(`only ${hours} hours of base fee: too few to learn from one half and score the other`);
    return [];
  }
  const scores = scoreCosts(toHourlySeries(known, "log", at, hours), { from: Math.ceil(hours / 2) });
  return scores.flatMap(({ horizonHours, ...score }) => {
    const h = `${horizonHours}h`;
    const row = (
      name: string,
      unit: string,
      better: Row["better"],
      value: number,
      peer: string,
      peerValue: number,
    ): Row => ({
      name: `base_fee_${name}_${h}`,
      unit,
      better,
      value,
      peer,
      peerValue,
    });
    return [
      row("log_r2", "share", "more", score.rSquared, "persistence", score.persistenceRSquared),
      row("pinball", "ratio", "less", score.pinballRatio, "persistence and its past changes", 1),
      row("coverage90", "share", "more", score.coverage90.last, "nominal", 0.9),
      row(
        "lowest",
        "ratio to now",
        "less",
        score.lowestRatio.forecast,
        "as it came",
        score.lowestRatio.realised,
      ),
    ];
  });
}
