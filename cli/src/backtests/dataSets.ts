import type { DataSet } from "@ballast/api";
import type { RawMarket } from "@ballast/data";
import type { Terminal } from "../terminal.ts";
import { readRaw } from "../trainingData.ts";

const SILENT: Terminal = {
  say() {},
  step() {},
  result() {},
  track: (_label, work) => work(() => {}),
};

/** What a folder of bars holds, read once. Errors: those of sources. */
export const describeDataSet = async (name: string, bars: string): Promise<DataSet> => ({
  name,
  ...describe(await readRaw({ data: { bars } }, SILENT, false)),
});

function describe({ series }: RawMarket): Omit<DataSet, "name"> {
  let [from, until, intervalMs] = [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ];
  for (const { time } of series) {
    // As recorded they may be out of order, and doubled.
    const times = Float64Array.from(time).sort();
    for (const [i, at] of times.entries()) {
      const step = at - (times[i - 1] ?? at);
      if (step > 0 && step < intervalMs) intervalMs = step;
    }
    from = Math.min(from, times[0] ?? from);
    until = Math.max(until, times.at(-1) ?? until);
  }
  return { assets: series.map(({ asset }) => asset).sort(), from, until: until + intervalMs, intervalMs };
}
