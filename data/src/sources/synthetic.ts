import { setImmediate as nextTurn } from "node:timers/promises";
import { mapColumns, newColumns } from "../bars.ts";
import { BallastError } from "../errors.ts";
import type { Exogenous, LoadRequest, MarketSource, RawMarket } from "../market.ts";
import { seededRandom } from "../random.ts";
import { HOUR_MS, type UnixMillis } from "../units.ts";
import { assetPath, marketPath } from "./synthetic-model.ts";

export interface SyntheticOptions {
  readonly seed: number;
  /** Length of the market in hours. */
  readonly hours: number;
  /** Opening time of the first bar, a whole hour. */
  readonly start: UnixMillis;
  /** Tickers, upper case. Default: BTC, ETH, SOL, LINK. A ticker without a known price gets a plausible one. */
  readonly assets?: readonly string[] | undefined;
  /** Whole minutes that divide an hour, or whole hours. Default: 1 h. */
  readonly intervalMs?: number | undefined;
}

export class BadSyntheticOptionError extends BallastError {
  readonly code = "BAD_SYNTHETIC_OPTION";
  readonly option: string;
  readonly value: unknown;
  constructor(option: string, value: unknown, remedy: string) {
    super(`The synthetic market cannot use ${option} = ${String(value)}. ${remedy}`);
    this.option = option;
    this.value = value;
  }
}

const DEFAULT_ASSETS = ["BTC", "ETH", "SOL", "LINK"];
const LONGEST_STEP_MS = 5 * 60_000;

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);

function checkOptions(hours: number, start: number, assets: readonly string[], intervalMs: number): void {
  const refuse = (option: string, value: unknown, remedy: string): never => {
    throw new BadSyntheticOptionError(option, value, remedy);
  };
  if (!Number.isSafeInteger(hours) || hours < 1)
    refuse("hours", hours, "Give a whole number of hours, at least 1.");
  if (!Number.isSafeInteger(start) || start < 0 || start % HOUR_MS !== 0)
    refuse("start", start, "Give a whole hour in ms since 1970.");
  if (assets.length === 0 || new Set(assets).size !== assets.length)
    refuse("assets", assets.join(","), "Give at least one ticker, each once.");
  for (const asset of assets)
    if (!/^[A-Z0-9]{1,20}$/.test(asset))
      refuse("asset", asset, "Give tickers in upper-case letters and digits.");
  const isMinutes = Number.isSafeInteger(intervalMs) && intervalMs > 0 && intervalMs % 60_000 === 0;
  if (!isMinutes || (HOUR_MS % intervalMs !== 0 && intervalMs % HOUR_MS !== 0))
    refuse("intervalMs", intervalMs, "Give whole minutes that divide an hour, or whole hours.");
  if (intervalMs > hours * HOUR_MS)
    refuse("intervalMs", intervalMs, `Give an interval that fits into ${hours} hours.`);
}

/** The synthetic market as a source. Errors: BadSyntheticOptionError, BadSeedError, and the signal's reason. */
export function syntheticSource(options: SyntheticOptions): MarketSource {
  const offered = options.assets ?? DEFAULT_ASSETS;
  const { seed, hours, start } = options;
  checkOptions(hours, start, offered, options.intervalMs ?? HOUR_MS);
  seededRandom(seed);
  return {
    name: `synthetic-${seed}`,
    async load(request: LoadRequest): Promise<RawMarket> {
      const intervalMs = request.intervalMs ?? options.intervalMs ?? HOUR_MS;
      const assets = request.assets ?? offered;
      checkOptions(hours, start, assets, intervalMs);
      for (const asset of assets)
        if (!offered.includes(asset))
          throw new BadSyntheticOptionError("asset", asset, `This market has ${offered.join(", ")}.`);

      const stepMs = greatestCommonDivisor(intervalMs, LONGEST_STEP_MS);
      const stepsPerHour = HOUR_MS / stepMs;
      const length = Math.floor((hours * HOUR_MS) / intervalMs);
      const bars = assets.map(() => newColumns(length));
      const market = marketPath(seed);
      const paths = assets.map((asset, i) =>
        assetPath(seed, asset, market.x.variance, bars[i]!, intervalMs / stepMs),
      );
      const fee = { publishedAt: new Float64Array(hours), value: new Float64Array(hours) };
      const utilisation = { publishedAt: new Float64Array(hours >> 2), value: new Float64Array(hours >> 2) };

      for (let h = 0; h < hours; h++) {
        if (h % 1000 === 0) {
          request.onProgress?.({ done: h, total: hours, label: "simulating hours" });
          await nextTurn();
          request.signal?.throwIfAborted();
        }
        const time = start + h * HOUR_MS;
        const hour = market.hour(time, stepsPerHour);
        const marketFactor = market.x.sum();
        for (const advance of paths) advance(time, marketFactor, hour);
        fee.publishedAt[h] = time + HOUR_MS;
        fee.value[h] = Math.round(hour.baseFeeGwei * 1e6) / 1e6;
        if (h % 4 !== 3) continue;
        utilisation.publishedAt[h >> 2] = time + HOUR_MS;
        utilisation.value[h >> 2] = Math.round(hour.utilisation * 1e6) / 1e6;
      }
      request.onProgress?.({ done: hours, total: hours, label: "simulating hours" });

      const from = Math.max(0, Math.ceil(((request.from ?? start) - start) / intervalMs));
      const to = Math.max(from, Math.min(length, Math.ceil(((request.to ?? Infinity) - start) / intervalMs)));
      const time = Float64Array.from({ length: to - from }, (_, i) => start + (from + i) * intervalMs);
      const toExogenous = (name: string, unit: string, series: typeof fee): Exogenous => {
        const isKept = (_: number, i: number) =>
          series.publishedAt[i]! >= (request.from ?? 0) && series.publishedAt[i]! <= (request.to ?? Infinity);
        return {
          name,
          unit,
          publishedAt: series.publishedAt.filter(isKept),
          value: series.value.filter(isKept),
        };
      };
      return {
        name: `synthetic-${seed}`,
        series: assets.map((asset, i) => ({
          asset,
          quote: "USDT",
          time: time.slice(),
          bars: mapColumns(bars[i]!, (column) => column.slice(from, to)),
        })),
        exogenous: [
          toExogenous("base_fee_gwei", "gwei", fee),
          toExogenous("aave.usdc.utilisation", "fraction", utilisation),
        ],
        notes: [`synthetic market, seed ${seed}: simulated, not recorded`],
      };
    },
  };
}
