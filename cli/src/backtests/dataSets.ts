import type { DataSet } from "@ballast/api";
import type { RawMarket } from "@ballast/data";
import type { Terminal } from "../terminal.ts";
import { readRaw } from "../trainingData.ts";
import { chooseDataSet } from "./plan.ts";

const SILENT: Terminal = {
  say() {},
  step() {},
  result() {},
  track: (_label, work) => work(() => {}),
};

export interface DataSets {
  /** What each one's folder is called. */
  readonly names: Readonly<Record<string, string>>;
  /** Errors: those of sources. */
  all(): Promise<DataSet[]>;
  /** The one of a name, or the only one there is. Errors: UnknownDataSetError, those of sources. */
  choose(name: string | undefined): Promise<{ readonly bars: string; readonly described: DataSet }>;
}

/**
 * Folders of bars by name; what is in one is read when it is first asked for.
 * @param folders The folder by the name.
 */
export function openDataSets(folders: Readonly<Record<string, string>>): DataSets {
  const known = Object.keys(folders);
  const read = new Map<string, Promise<DataSet>>();
  const describeOnce = (name: string): Promise<DataSet> => {
    const described = read.get(name) ?? readDataSet(name, folders[name]!);
    read.set(name, described);
    // What could not be read is read again the next time.
    described.catch(() => read.delete(name));
    return described;
  };
  return {
    names: Object.fromEntries(Object.entries(folders).map(([name, bars]) => [bars, name])),
    all: () => Promise.all(known.map(describeOnce)),
    async choose(name) {
      const chosen = chooseDataSet(name, known);
      return { bars: folders[chosen]!, described: await describeOnce(chosen) };
    },
  };
}

const readDataSet = async (name: string, bars: string): Promise<DataSet> => ({
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
