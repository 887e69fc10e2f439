import { BallastError, HOUR_MS } from "@ballast/data";
import { MIN_SERIES_ROWS, SERIES_LOOKBACK_HOURS } from "@ballast/model";
import { type Arena, clairvoyantGas, gasSignals, toGasDollars, type Window } from "@ballast/training";
import type { Hours } from "./hours.ts";

const TIP_GWEI = 1.5;
/** A rollup's price of gas in ether's gwei, its data included. */
const ROLLUP_GWEI = 0.02;
const ROLLUP_HOURS = 8_760;
/** Hours before the first signal: a month of variances to call usual, and a week and two to fit on. */
export const VARIANCE_HOURS = 1_000;
const GAS_HOURS = SERIES_LOOKBACK_HOURS + MIN_SERIES_ROWS + 24;

class TooShortError extends BallastError {
  readonly code = "TOO_SHORT";
  constructor(what: string, hours: number, needed: number) {
    super(
      `There are ${hours} hours of ${what} to tune and score on; ${needed} are needed. Give longer bars, or a longer --gas file.`,
    );
  }
}

/** Where a vault trades: what gas costs there, and what can be known of it. */
export interface Venue {
  readonly name: "mainnet" | "rollup";
  readonly window: Window;
  /** Dollars a unit of gas costs who decides at each hour: the price of the hour after. */
  readonly gasDollars: Float64Array;
  readonly gas: Arena["gas"];
  readonly futureGas: Arena["gas"];
}

/** Recorded base fees, forecast hour by hour. */
export function toMainnet(hours: Hours, log: (line: string) => void): Venue {
  const { gas, length } = hours;
  const window = { from: Math.max(gas.from + GAS_HOURS, VARIANCE_HOURS), to: gas.to - 1 };
  if (window.to - window.from < GAS_HOURS)
    throw new TooShortError("base fees", window.to - window.from, GAS_HOURS);
  log(`forecasting gas hour by hour through ${window.to - window.from} hours`);
  const known = gas.log.slice(gas.from, gas.to);
  const first = window.from - gas.from;
  const signals = gasSignals(known, hours.firstEnd + gas.from * HOUR_MS, first);
  const future = clairvoyantGas(known, first);
  const placed = (column: Float64Array) => {
    const out = new Float64Array(length).fill(Number.NaN);
    out.set(column, gas.from);
    return out;
  };
  const next = Float64Array.from({ length }, (_, t) => Math.exp(gas.log[t + 1]!));
  const usable = next.map((fee) => (Number.isNaN(fee) ? 0 : fee));
  return {
    name: "mainnet",
    window,
    gasDollars: toGasDollars(usable, TIP_GWEI, etherOf(hours)),
    gas: { gasRatio: placed(signals.gasRatio), gasFall: placed(signals.gasFall) },
    futureGas: { gasRatio: placed(future.gasRatio), gasFall: placed(future.gasFall) },
  };
}

/** Gas there is next to nothing and steady: no signal. */
export function toRollup(hours: Hours): Venue {
  const { length } = hours;
  const none = new Float64Array(length).fill(Number.NaN);
  const from = Math.max(VARIANCE_HOURS, length - ROLLUP_HOURS);
  if (length - from < GAS_HOURS) throw new TooShortError("bars", length - from, GAS_HOURS);
  const gas = { gasRatio: none, gasFall: none };
  const gasDollars = toGasDollars(new Float64Array(length).fill(ROLLUP_GWEI), 0, etherOf(hours));
  return { name: "rollup", window: { from, to: length }, gasDollars, gas, futureGas: gas };
}

/** Without bars of ether, what it cost at the end of the recorded period. */
const etherOf = ({ close, length }: Hours): Float64Array =>
  close.get("ETH") ?? new Float64Array(length).fill(2_000);
