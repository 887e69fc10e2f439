import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { features } from "@ballast/agent";
import { type FeatureTable, judgeProposal } from "@ballast/attest";
import {
  type BarColumns,
  isoTime,
  type Market,
  type Random,
  type Snapshot,
  seededRandom,
  snapshotBytes,
  snapshotFromBytes,
  unixMillis,
} from "@ballast/data";
import { lookbackBars } from "@ballast/model";
import { readMostTraded, writeSyntheticBars } from "./bars.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import type { Row } from "./measure.ts";

const SEED = 1;
const ASSETS = 4;
/** Hours that are judged, evenly spread over the market. */
const TIMES = 200;
const QUICK_TIMES = 20;
/** Standard deviation of the other exchange's prices, basis points, and of its volumes, share. */
const NOISES = [1, 2, 3, 5, 10] as const;
const REPORTED = 3;
const VOLUME_NOISE = 0.1;
/** What `ballast notary` tolerates where it is not told otherwise. */
const TOLERANCE = { feature: 512, priceBps: 100 };
/** Tolerates any feature, so that the worst is measured and not only refused. */
const LARGEST_FEATURE = 2 ** 16;

/** How often an honest notary on another exchange signs, by how far apart the exchanges' prices are. */
export async function notaryAgreement({ bars, isQuick, log, until }: BenchmarkOptions): Promise<Row[]> {
  const own = bars === undefined ? mkdtempSync(join(tmpdir(), "ballast-bench-bars-")) : undefined;
  try {
    if (own !== undefined) await writeSyntheticBars(own, 365 * 24);
    const market = await readMostTraded(bars ?? own!, ASSETS);
    return measure(market, isQuick ? QUICK_TIMES : TIMES, until, log);
  } finally {
    if (own !== undefined) rmSync(own, { recursive: true });
  }
}

function measure(
  market: Market,
  times: number,
  until: number | undefined,
  log: (line: string) => void,
): Row[] {
  const { start, intervalMs, length, assets } = market;
  const lookback = lookbackBars(intervalMs);
  const last = Math.min(length, until === undefined ? length : Math.floor((until - start) / intervalMs));
  const snapshots = Array.from({ length: times }, (_, i) => {
    const bar = lookback + Math.floor(((last - lookback) * (i + 1)) / times);
    return market.past(unixMillis(start + bar * intervalMs)).snapshot(lookback);
  });
  log(
    `notaries: ${times} hours of ${assets.join(", ")} from ${isoTime(snapshots[0]!.at)} to ${isoTime(snapshots.at(-1)!.at)}`,
  );
  const rows: Row[] = [];
  for (const bp of NOISES) {
    const random = seededRandom(SEED, `another exchange, ${bp} bp`);
    const worst: number[] = [];
    let [signed, signedUnfloored] = [0, 0];
    for (const snapshot of snapshots) {
      const other = elsewhere(snapshot, bp, random);
      const by = differenceOf(snapshot, other, features.table);
      worst.push(by);
      if (by <= TOLERANCE.feature) signed += 1;
      if (differenceOf(snapshot, other, withoutLeast) <= TOLERANCE.feature) signedUnfloored += 1;
    }
    const percent = (count: number) => (100 * count) / times;
    const median = worst.sort((a, b) => a - b)[times >> 1]!;
    log(
      `notaries: ${bp} bp: worst feature ${median} of 1024 at the median, ${percent(signed).toFixed(1)} % sign`,
    );
    if (bp === REPORTED)
      rows.push({
        name: `notary_agreement_pct_${bp}bp`,
        value: percent(signed),
        unit: "%",
        better: "more",
        peer: "the same without the floor under variances of few bars",
        peerValue: percent(signedUnfloored),
      });
  }
  return rows;
}

/** The worst feature, of 1024; infinite where a price alone is refused. */
function differenceOf(
  snapshot: Snapshot,
  other: Snapshot,
  tableOf: (snapshot: Snapshot) => FeatureTable,
): number {
  const proposal = { inputRoot: snapshot.root, featuresRoot: tableOf(snapshot).root, snapshot };
  const found = judgeProposal(proposal, other, tableOf, { ...TOLERANCE, feature: LARGEST_FEATURE });
  if (found.kind === "within") return found.feature;
  return found.kind === "equal" ? 0 : Number.POSITIVE_INFINITY;
}

const withoutLeast = (snapshot: Snapshot): FeatureTable => {
  const table = features.table(snapshot);
  return { ...table, rows: table.rows.map(({ asset, values }) => ({ asset, values })) };
};

/** The market as another exchange records it: each price on its own, with the bar's extremes still its extremes. */
function elsewhere(snapshot: Snapshot, bp: number, random: Random): Snapshot {
  const bars = snapshot.bars.map((own): BarColumns => {
    const moved = (column: Float64Array, scale: number) =>
      column.map((value) => value * (1 + scale * random.normal()));
    const [open, high, low, close] = [own.open, own.high, own.low, own.close].map((column) =>
      moved(column, bp / 1e4),
    ) as [Float64Array, Float64Array, Float64Array, Float64Array];
    return {
      open,
      high: high.map((value, i) => Math.max(value, open[i]!, close[i]!, low[i]!)),
      low: low.map((value, i) => Math.min(value, open[i]!, close[i]!, high[i]!)),
      close,
      volume: moved(own.volume, VOLUME_NOISE).map((value) => Math.max(0, value)),
    };
  });
  const { at, intervalMs, assets, exogenous } = snapshot;
  return snapshotFromBytes(snapshotBytes({ at, intervalMs, assets, bars, exogenous }));
}
