import { DAY_MS } from "@ballast/data";
import { costOf, trackingErrorOf } from "./metrics.ts";
import type { BacktestRecord } from "./record.ts";
import { type Columns, toMeans, YEAR_MS } from "./steps.ts";

/** What a stretch of the period came to. */
export interface WindowResult {
  readonly from: number;
  /** Share of the stretch's average value. */
  readonly cost: number;
  /** Share, annualised. */
  readonly trackingError: number;
}

const WEEK_MS = 7 * DAY_MS;
/** Below so many weeks, days tell more. */
const FEWEST_WEEKS = 6;

/** A week; a day where the period has fewer than six weeks. */
export const windowMs = ({ market, bars }: BacktestRecord): number =>
  (bars.at.length - 1) * market.barMs >= FEWEST_WEEKS * WEEK_MS ? WEEK_MS : DAY_MS;

/** Consecutive whole windows from the start; what is left at the end is no window. */
export function toWindows(steps: Columns, record: BacktestRecord): WindowResult[] {
  const { market, bars } = record;
  const size = Math.max(1, Math.round(windowMs(record) / market.barMs));
  const span = { steps: size, perYear: YEAR_MS / market.barMs };
  return Array.from({ length: Math.floor(steps.value.length / size) }, (_, w) => {
    const cut = Object.fromEntries(
      Object.entries(steps).map(([name, values]) => [name, values.subarray(w * size, (w + 1) * size)]),
    ) as unknown as Columns;
    const means = toMeans(cut);
    return {
      from: bars.at[w * size]!,
      cost: (costOf(means, span) * size) / span.perYear,
      trackingError: trackingErrorOf(means, span),
    };
  });
}
