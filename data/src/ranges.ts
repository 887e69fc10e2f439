/** Half-open span of time in ms: from <= t < to. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** The same times as disjoint ranges in ascending order; touching ranges are joined, empty ones dropped. */
export function unionRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.filter((r) => r.to > r.from).toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** What of `whole` lies in none of the `parts`, ascending. */
export function subtractRanges(whole: TimeRange, parts: readonly TimeRange[]): TimeRange[] {
  const rest: TimeRange[] = [];
  let { from } = whole;
  for (const part of unionRanges(parts)) {
    if (part.from >= whole.to) break;
    if (part.from > from) rest.push({ from, to: part.from });
    from = Math.max(from, part.to);
  }
  if (from < whole.to) rest.push({ from, to: whole.to });
  return rest;
}
