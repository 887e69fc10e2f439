import {
  BallastError,
  fileSource,
  HOUR_MS,
  type RawMarket,
  syntheticSource,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { parkinsonVariance, toHourlySeries } from "@ballast/model";
import { type BaseFees, readBaseFees } from "./base-fees.ts";

/** A market hour by hour, as the comparison of policies needs it. */
export interface Hours {
  readonly assets: readonly string[];
  /** All that there are bars of, wanted or not. */
  readonly available: readonly string[];
  readonly length: number;
  /** Of the first hour's end, ms. */
  readonly firstEnd: number;
  /** By asset. */
  readonly close: ReadonlyMap<string, Float64Array>;
  /** Parkinson variance of each hour, by asset. */
  readonly variance: ReadonlyMap<string, Float64Array>;
  /** ln of the base fee in gwei, mean of each hour, and the hours from … to − 1 in which it is known without a gap. */
  readonly gas: {
    readonly log: Float64Array;
    readonly from: number;
    readonly to: number;
    /** [hour][sample]: ln of the base fees in the course of each hour, in order; NaN where there are fewer. */
    readonly samples: Float64Array;
    readonly samplesPerHour: number;
  };
  /** Changes with any bar. */
  readonly hash: string;
}

export class NotHourlyError extends BallastError {
  readonly code = "NOT_HOURLY";
  readonly intervalMs: number;
  constructor(intervalMs: number) {
    super(
      `Bars of ${intervalMs / 60_000} minutes do not make whole hours. Give bars of an hour or of a part of one.`,
    );
    this.intervalMs = intervalMs;
  }
}

/**
 * Just after the youngest bar opened: with this as the present, a folder gives the same market on any day.
 * That bar itself has not closed by then and is left out.
 */
export const presentOf = (raw: RawMarket): UnixMillis =>
  unixMillis(Math.max(...raw.series.map(({ time }) => time.reduce((latest, ms) => Math.max(latest, ms), 0))));

const SYNTHETIC_SEED = 1;
const SYNTHETIC_START = unixMillis(Date.UTC(2022, 0, 1));
const BASE_FEE = "base_fee_gwei";

/** Bars of a folder, or of the seeded synthetic market, with base fees of a file, or the market's own. */
export async function loadHours(
  bars: string | undefined,
  gas: string | undefined,
  wanted: readonly string[],
  syntheticHours: number,
): Promise<Hours> {
  const raw =
    bars === undefined
      ? await syntheticSource({
          seed: SYNTHETIC_SEED,
          hours: syntheticHours,
          start: SYNTHETIC_START,
          assets: wanted,
        }).load({})
      : await fileSource(bars).load({});
  const known = raw.series.map(({ asset }) => asset);
  const { market } = toMarket(raw, {
    // Just after the youngest bar opened, as a folder may hold one that is still open; the synthetic market ends whole.
    now: bars === undefined ? unixMillis(SYNTHETIC_START + syntheticHours * HOUR_MS) : presentOf(raw),
    assets: wanted.filter((asset) => known.includes(asset)),
    // The dollar is the other one.
    allowOneAsset: true,
  });
  const perHour = HOUR_MS / market.intervalMs;
  if (!Number.isInteger(perHour)) throw new NotHourlyError(market.intervalMs);
  const length = Math.floor(market.length / perHour);
  const end = unixMillis(market.start + length * HOUR_MS);
  const past = market.past(end);
  const close = new Map<string, Float64Array>();
  const variance = new Map<string, Float64Array>();
  for (const [i, asset] of market.assets.entries()) {
    const columns = past.bars(i, length * perHour);
    close.set(
      asset,
      Float64Array.from({ length }, (_, t) => columns.close[(t + 1) * perHour - 1]!),
    );
    variance.set(
      asset,
      Float64Array.from({ length }, (_, t) =>
        parkinsonVariance(columns.high, columns.low, t * perHour, (t + 1) * perHour - 1),
      ),
    );
  }
  const hasOwnFees = market.exogenousNames.includes(BASE_FEE);
  const fees: BaseFees =
    gas !== undefined
      ? await readBaseFees(gas)
      : hasOwnFees
        ? past.exogenous(BASE_FEE, Number.MAX_SAFE_INTEGER)
        : { publishedAt: new Float64Array(0), value: new Float64Array(0) };
  const log = toHourlySeries(fees, "log", end, length).x;
  return {
    assets: market.assets,
    available: known,
    length,
    firstEnd: market.start + HOUR_MS,
    close,
    variance,
    gas: {
      log,
      ...longestKnown(log, (fees.publishedAt.at(-1) ?? 0) - market.start),
      ...toSamples(fees, market.start, length),
    },
    hash: market.hash,
  };
}

/** Hours with more base fees than this keep the first of each equal part. */
const MOST_SAMPLES = 60;

function toSamples(
  fees: BaseFees,
  start: number,
  length: number,
): Pick<Hours["gas"], "samples" | "samplesPerHour"> {
  const perHour: number[][] = Array.from({ length }, () => []);
  for (const [i, at] of fees.publishedAt.entries()) {
    // A fee known just as the hour ends is that hour's.
    const hour = Math.ceil((at - start) / HOUR_MS) - 1;
    if (hour >= 0 && hour < length) perHour[hour]!.push(Math.log(fees.value[i]!));
  }
  const samplesPerHour = Math.min(MOST_SAMPLES, Math.max(1, ...perHour.map((list) => list.length)));
  const samples = new Float64Array(length * samplesPerHour).fill(Number.NaN);
  for (const [hour, list] of perHour.entries()) {
    const step = Math.max(1, list.length / samplesPerHour);
    for (let k = 0; k < Math.min(list.length, samplesPerHour); k++)
      samples[hour * samplesPerHour + k] = list[Math.floor(k * step)]!;
  }
  return { samples, samplesPerHour };
}

/** The longest stretch of known hours that ends by the last value: what is carried on after it is no observation. */
function longestKnown(log: Float64Array, lastMs: number): { readonly from: number; readonly to: number } {
  const end = Math.min(log.length, Math.floor(lastMs / HOUR_MS));
  let best = { from: 0, to: 0 };
  for (let from = 0; from < end; from++) {
    let to = from;
    while (to < end && !Number.isNaN(log[to]!)) to++;
    if (to - from > best.to - best.from) best = { from, to };
    from = to;
  }
  return best;
}
