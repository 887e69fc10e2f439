import { setImmediate } from "node:timers/promises";
import { HOUR_MS, type Market, type Random, type UnixMillis } from "@ballast/data";
import {
  BREACH_INPUTS,
  barsPerHour,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  MARKET_FEATURE_COUNT,
  marketFeaturesAt,
  stateFeatures,
  toExactMeasures,
  toMarketTable,
  VARIANCE_FLOOR_PER_HOUR,
} from "@ballast/model";
import { LONGEST_HORIZON_HOURS, strideFor, TARGET_FREE_OF_FILLS_HOURS } from "./dataset.ts";

const WAD = 1e18;
const HORIZONS = HORIZONS_HOURS.length;
/** Holdings beside the base asset of a sampled vault, at most. */
const MAX_HELD = 4;

/** Times of a market, each with one sampled vault per asset and one for the base asset, in time order. */
export interface BreachRows {
  readonly rows: number;
  readonly rowsPerTime: number;
  /** [row][input]: what the network of a vault reads. */
  readonly inputs: Int16Array;
  /** [row][horizon]: realised variance per hour of the log-odds of the row's weight. */
  readonly targets: Float64Array;
  /** [row]: when it was known, ms. */
  readonly times: Float64Array;
  /** [row]: the sampled vault. */
  readonly vaults: readonly SampledVault[];
}

export interface SampledVault {
  /** Holding whose weight the row is about: 0 is the base asset. */
  readonly holding: number;
  /** The market's index of every holding but the base asset. */
  readonly assets: readonly number[];
  /** Shares of the vault's value, the base asset's first, summing to one. */
  readonly weights: readonly number[];
  /** [hour from 0][asset of `assets`]: price over that at the row's time. */
  path(hours: number): Float64Array[];
}

export interface BreachRowsRequest {
  /** Nothing at or after it is read. */
  readonly until: UnixMillis;
  readonly maxRows: number;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Features from the hours before each strided time, targets from the bars after it. Times whose longest target would
 * reach beyond `until`, or whose shorter ones hold a bar that was filled in, are left out. The market must be long enough for `toDataset`.
 */
export async function toBreachRows(market: Market, request: BreachRowsRequest): Promise<BreachRows> {
  const perHour = barsPerHour(market.intervalMs);
  const all = market.past(request.until);
  const n = market.assets.length;
  const hours = Math.floor(all.length / perHour);
  const closes = market.assets.map((_, i) => all.bars(i, hours * perHour).close);
  const table = toMarketTable(
    market.assets.map((_, i) => toExactMeasures(all.bars(i, hours * perHour), perHour)),
  );
  const returns = closes.map((close) => close.map((p, b) => (b === 0 ? 0 : Math.log(p / close[b - 1]!))));
  const last = hours - LONGEST_HORIZON_HOURS;
  const stride = strideFor(last - LOOKBACK_HOURS, n + 1, request.maxRows);
  const isFilled = market.assets.map((_, i) => all.filled(i, hours * perHour));
  const steps: number[] = [];
  for (let hour = LOOKBACK_HOURS; hour <= last; hour += stride) {
    const soon = [hour * perHour, (hour + TARGET_FREE_OF_FILLS_HOURS) * perHour] as const;
    if (isFilled.every((filled) => filled.subarray(...soon).every((flag) => flag === 0))) steps.push(hour);
  }
  const rows = steps.length * (n + 1);
  const inputs = new Int16Array(rows * BREACH_INPUTS);
  const targets = new Float64Array(rows * HORIZONS);
  const times = new Float64Array(rows);
  const vaults: SampledVault[] = [];
  for (const [s, hour] of steps.entries()) {
    const at = market.start + hour * HOUR_MS;
    const features = marketFeaturesAt(table, hour, at);
    for (let k = 0; k <= n; k++) {
      const row = s * (n + 1) + k;
      const { holding, assets, weights } = sampleVault(k - 1, n, request.random);
      inputs.set(features[k]!, row * BREACH_INPUTS);
      const state = stateFeatures(
        weights.map((w) => BigInt(Math.floor(w * WAD))),
        holding,
      );
      inputs.set(state, row * BREACH_INPUTS + MARKET_FEATURE_COUNT);
      times[row] = at;
      const held = assets.map((i) => returns[i]!);
      targets.set(logOddsVariance(held, weights, holding, hour * perHour, perHour), row * HORIZONS);
      vaults.push({
        holding,
        assets,
        weights,
        path: (length) =>
          Array.from({ length: length + 1 }, (_, ahead) =>
            Float64Array.from(
              assets,
              (i) => closes[i]![(hour + ahead) * perHour - 1]! / closes[i]![hour * perHour - 1]!,
            ),
          ),
      });
    }
    if (s % 64 === 0) {
      await setImmediate();
      request.signal?.throwIfAborted();
    }
  }
  return { rows, rowsPerTime: n + 1, inputs, targets, times, vaults };
}

/** A vault of the base asset and up to four others, with `asset` among them; -1 asks for the base asset's weight. */
function sampleVault(asset: number, n: number, random: Random): Omit<SampledVault, "path"> {
  const count = 1 + random.integer(Math.min(MAX_HELD, n));
  const assets: number[] = asset < 0 ? [] : [asset];
  while (assets.length < count) {
    const next = random.integer(n);
    if (!assets.includes(next)) assets.push(next);
  }
  const own = 0.05 + 0.65 * random.uniform();
  const others = Array.from({ length: asset < 0 ? count : count - 1 }, () => 0.1 + random.uniform());
  const baseShare = asset < 0 ? 0 : others.length === 0 ? 1 : 0.9 * random.uniform();
  const total = others.reduce((sum, x) => sum + x, 0);
  const rest = others.map((x) => ((1 - own) * (1 - baseShare) * x) / total);
  const weights = asset < 0 ? [own, ...rest] : [(1 - own) * baseShare, own, ...rest];
  return { holding: asset < 0 ? 0 : 1, assets, weights };
}

/** Mean per hour, over each horizon, of the squared change of the log-odds bar by bar, at the weights of the start. */
function logOddsVariance(
  returns: readonly Float64Array[],
  weights: readonly number[],
  holding: number,
  first: number,
  perHour: number,
): number[] {
  const rest = 1 - weights[holding]!;
  const exposure = returns.map((_, i) => (i + 1 === holding ? 1 : -weights[i + 1]! / rest));
  const found: number[] = [];
  let sum = 0;
  let bar = first;
  for (const horizon of HORIZONS_HOURS) {
    for (; bar < first + horizon * perHour; bar++) {
      let move = 0;
      for (let i = 0; i < returns.length; i++) move += exposure[i]! * returns[i]![bar]!;
      sum += move * move;
    }
    found.push(Math.max(sum / horizon, VARIANCE_FLOOR_PER_HOUR));
  }
  return found;
}
