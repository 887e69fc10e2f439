import { HOUR_MS, seededRandom } from "@ballast/data";
import { toBrownianCloses } from "../backtest/simulate.fixture.ts";
import type { BacktestRecord, BacktestTrade } from "./record.ts";

export interface FixtureOptions {
  readonly name: string;
  /** Trades when some weight is this far from its target. */
  readonly trigger: number;
  readonly days?: number;
  readonly seed?: number;
  /** Bars from a decision to its execution. */
  readonly latency?: number;
  /** Waits for a base fee below its mean of the day so far, unless a weight has left its band. */
  readonly isPatient?: boolean;
}

const FROM = Date.UTC(2023, 0, 1);
const NAV = 1_000_000;
const TARGETS = [0.2, 0.5, 0.3];
const BANDS = [0.02, 0.02, 0.02];
/** Per hour, of USDC, BTC and ETH. */
const SIGMAS = [0, 0.007, 0.01];
const SWAP = { fee: 5e-4, spread: 1e-4, impact: 2e-9, mev: 1e-4 };
const GAS = { rebalance: 380_000, attestation: 250_000, etherDollars: 1_700 };

/** A threshold rule on a paper vault over simulated Brownian prices and a base fee with a daily cycle. */
export function toFixtureRecord(options: FixtureOptions): BacktestRecord {
  const { name, trigger, days = 60, seed = 1, latency = 0, isPatient = false } = options;
  const bars = days * 24 + 1;
  const prices = toBrownianCloses(SIGMAS, bars, seed).map((closes) => [...closes]);
  const random = seededRandom(seed, "gas");
  const at = Array.from({ length: bars }, (_, t) => FROM + t * HOUR_MS);
  const gasGwei = at.map((_, t) => 25 * Math.exp(0.5 * Math.sin((t / 12) * Math.PI) + 0.3 * random.normal()));
  const units = TARGETS.map((target) => target * NAV);
  const worth = (t: number) => units.reduce((sum, held, i) => sum + held * prices[i]![t]!, 0);
  const trades: BacktestTrade[] = [];
  const [value, mix]: [number[], number[]] = [[], []];
  const weights: number[][] = TARGETS.map(() => []);
  let decided: { readonly bar: number; readonly worth: number; readonly isBreach: boolean } | undefined;
  for (let t = 0; t < bars; t++) {
    const before = worth(t);
    const held = units.map((held, i) => (held * prices[i]![t]!) / before);
    for (const [i, weight] of held.entries()) weights[i]!.push(weight);
    const growth = TARGETS.reduce(
      (sum, w, i) => sum + (w * prices[i]![t]!) / prices[i]![Math.max(0, t - 1)]!,
      0,
    );
    mix.push((mix[t - 1] ?? NAV) * growth);
    const isBreach = held.some((w, i) => Math.abs(w - TARGETS[i]!) > BANDS[i]!);
    const isFar = held.some((w, i) => Math.abs(w - TARGETS[i]!) > trigger);
    if (decided === undefined && isFar && (isBreach || !isPatient || gasGwei[t]! < 22))
      decided = { bar: t, worth: before, isBreach };
    if (decided !== undefined && t >= decided.bar + latency) {
      const moved = held.map((w, i) => Math.abs(w - TARGETS[i]!) * before);
      const swapped = moved.slice(1);
      const sum = (rate: (dollars: number) => number) => swapped.reduce((total, x) => total + rate(x), 0);
      const gasDollars = (gasUnits: number) => gasUnits * gasGwei[t]! * 1e-9 * GAS.etherDollars;
      const costs = {
        fee: sum((x) => x * SWAP.fee),
        spread: sum((x) => x * SWAP.spread),
        impact: sum((x) => x * x * SWAP.impact),
        mev: sum((x) => x * SWAP.mev),
        gas: gasDollars(GAS.rebalance),
        attestationGas: gasDollars(GAS.attestation),
      };
      const paid = Object.values(costs).reduce((a, b) => a + b, 0);
      for (const [i, target] of TARGETS.entries()) units[i] = (target * (before - paid)) / prices[i]![t]!;
      trades.push({
        decidedAt: at[decided.bar]!,
        executedAt: at[t]!,
        reason: decided.isBreach ? "breach" : "breach-forecast",
        numbers: { breachProbability: 0.5, turnover: moved.reduce((a, b) => a + b, 0) / 2 / before },
        decisionHash: `0x${trades.length.toString(16).padStart(64, "0")}`,
        weightsBefore: held,
        weightsAfter: TARGETS,
        soldDollars: moved.reduce((a, b) => a + b, 0) / 2,
        costs,
        shortfall: paid + (decided.worth - before) * trigger,
        gasGwei: gasGwei[t]!,
      });
      decided = undefined;
    }
    value.push(worth(t));
  }
  return {
    format: "ballast-backtest/1",
    name,
    policy: { name: "threshold", parameters: { trigger, isPatient }, id: `0x${"1d".repeat(32)}` },
    market: { hash: `0x${"11".repeat(32)}`, from: at[0]!, to: at.at(-1)!, barMs: HOUR_MS },
    assets: ["USDC", "BTC", "ETH"],
    targets: TARGETS,
    bands: BANDS,
    nav: NAV,
    bars: { at, value, mix, weights, prices, gasGwei, breachProbability: at.map(() => null) },
    trades,
    decisionsDigest: `0x${"de".repeat(32)}`,
    models: [],
    notes: [],
  };
}
