import { BallastError, HOUR_MS } from "@ballast/data";
import { MIN_SERIES_ROWS, SERIES_LOOKBACK_HOURS } from "@ballast/model";
import type { Window } from "../backtest/protocol.ts";
import type { Arena } from "../backtest/shapes.ts";
import { gasSignals, unknownGas } from "../backtest/signals.ts";
import { toGasDollars } from "../backtest/true-costs.ts";
import type { Hours } from "./hours.ts";

const TIP_GWEI = 1.5;
/** A rollup's price of gas in ether's gwei, its data included. */
const ROLLUP_GWEI = 0.02;
const ROLLUP_HOURS = 8_760;
/** Hours before the first signal: a month of variances to call usual, and a week and two to fit on. */
export const VARIANCE_HOURS = 1_000;
const GAS_HOURS = SERIES_LOOKBACK_HOURS + MIN_SERIES_ROWS + 24;

export class TooShortError extends BallastError {
  readonly code = "TOO_SHORT";
  constructor(what: string, hours: number, needed: number) {
    super(
      `There are ${hours} hours of ${what} to tune and score on; ${needed} are needed. Give longer bars, a longer --gas file, or fewer folds.`,
    );
  }
}

export class NoBaseFeesError extends BallastError {
  readonly code = "NO_BASE_FEES";
  constructor() {
    super(
      "No base fees are known in the hours of these bars. Give a --gas file that covers them, or compare on the rollup.",
    );
  }
}

/** Where a vault trades: what gas costs there, and what can be known of it. */
export interface Venue {
  readonly name: "mainnet" | "rollup";
  readonly window: Window;
  /** Dollars a unit of gas cost on the mean of the hour that ended. */
  readonly gasDollars: Float64Array;
  readonly gas: Arena["gas"];
  readonly gasSamples: Arena["gasSamples"];
  readonly gasLevel: number;
}

/** Recorded base fees, forecast hour by hour. Throws NoBaseFeesError and TooShortError. */
export function toMainnet(hours: Hours, log: (line: string) => void): Venue {
  const { gas, length } = hours;
  if (gas.from === gas.to) throw new NoBaseFeesError();
  const window = { from: Math.max(gas.from + GAS_HOURS, VARIANCE_HOURS), to: gas.to - 1 };
  if (window.to - window.from < GAS_HOURS)
    throw new TooShortError("base fees", window.to - window.from, GAS_HOURS);
  log(`forecasting gas hour by hour through ${window.to - window.from} hours`);
  const known = gas.log.slice(gas.from, gas.to);
  const first = window.from - gas.from;
  const signals = gasSignals(known, hours.firstEnd + gas.from * HOUR_MS, first);
  const placed = (column: Float64Array) => {
    const out = new Float64Array(length).fill(Number.NaN);
    out.set(column, gas.from);
    return out;
  };
  const usable = gas.log.map((x) => (Number.isNaN(x) ? 0 : Math.exp(x)));
  const ether = etherOf(hours);
  const toDollars = (logFee: number, t: number) => Math.log((Math.exp(logFee) + TIP_GWEI) * 1e-9 * ether[t]!);
  const before = gas.log.slice(gas.from, window.from);
  return {
    name: "mainnet",
    gasLevel: before.reduce((sum, x, i) => sum + toDollars(x, gas.from + i), 0) / before.length,
    window,
    gasDollars: toGasDollars(usable, TIP_GWEI, ether),
    gas: {
      gasRatio: placed(signals.gasRatio),
      gasFall: placed(signals.gasFall),
      usualFee: placed(signals.usualFee).map(toDollars),
    },
    gasSamples: {
      perBar: gas.samplesPerHour,
      log: gas.samples.map((x, k) => toDollars(x, Math.floor(k / gas.samplesPerHour))),
    },
  };
}

/** Throws TooShortError. Gas there is next to nothing and steady: no signal. */
export function toRollup(hours: Hours): Venue {
  const { length } = hours;
  const from = Math.max(VARIANCE_HOURS, length - ROLLUP_HOURS);
  if (length - from < GAS_HOURS) throw new TooShortError("bars", length - from, GAS_HOURS);
  const gas = unknownGas(length);
  const gasDollars = toGasDollars(new Float64Array(length).fill(ROLLUP_GWEI), 0, etherOf(hours));
  const gasSamples = { perBar: 1, log: gasDollars.map(Math.log) };
  return {
    name: "rollup",
    window: { from, to: length },
    gasDollars,
    gas,
    gasSamples,
    gasLevel: 0,
  };
}

/** Without bars of ether, what it cost at the end of the recorded period. */
const etherOf = ({ close, length }: Hours): Float64Array =>
  close.get("ETH") ?? new Float64Array(length).fill(2_000);
