import type { CostsReport } from "@ballast/model";

/** What a model says of fees, rates and liquidity ahead, one line per series and horizon. */
export function describeCosts(costs: CostsReport | undefined): string[] {
  if (costs === undefined) return [];
  const number = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));
  const lines = costs.served.flatMap(({ series, scores }) =>
    scores.map(
      ({ horizonHours, rSquared, persistenceRSquared, pinballRatio, tAgainstPersistence, coverage90 }) =>
        `costs ahead    ${series} ${horizonHours} h: R² ${number(rSquared, 3)} (persistence ${number(persistenceRSquared, 3)}), ` +
        `pinball ${number(pinballRatio, 3)} of persistence's, t ${number(tAgainstPersistence, 2)}, ` +
        `90 % interval covers ${(coverage90.last * 100).toFixed(1)} %`,
    ),
  );
  if (lines.length === 0) lines.push("costs ahead    none: the data had no series that could be forecast");
  for (const { series, reason } of costs.leftOut) lines.push(`costs ahead    not ${series}: ${reason}`);
  return lines;
}
