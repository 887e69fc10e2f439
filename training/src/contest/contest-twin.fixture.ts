import { HOUR_MS, unixMillis } from "@ballast/data";
import { fitSeries, forecastSeries, SERIES_LOOKBACK_HOURS } from "@ballast/model";
import { VAULT_GAS } from "../index.ts";
import { RECORDED, type RecordedMarket } from "./recorded-market.fixture.ts";

/*
 * One ratio of the contest by plain loops over the raw hours, which share nothing with the benchmark but the fit of the
 * fee forecast and the gas of a rebalance.
 */
export const BASKET = { USD: 0.4, BTC: 0.3, ETH: 0.2, LINK: 0.1 };
const TARGETS = [0.4, 0.3, 0.2, 0.1];
const DEPTHS = [0, 1e8, 1e8, 2e7];
const NAV = 1e6;
const FEE = 0.0006;
export const DAY = 24;
export const WIDTHS = [0.004, 0.008, 0.014];
export const ANCHORS = [0.006, 0.01];
export const FROM = 1_000;
export const MIDDLE = 1_280;
export const TO = 1_558;

interface Plain {
  readonly triggers: readonly number[];
  readonly keep: number;
  readonly levelPower: number;
  /** Of the order; absent where it pays what gas costs. */
  readonly response?: number;
  readonly selects: boolean;
  readonly width: number;
}
interface Run {
  readonly cost: number[];
  readonly gas: number[];
  readonly squares: number[];
}
export const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
export const mean = (list: readonly number[]) => sum(list) / list.length;
const ASSETS = [0, 1, 2, 3];
const RISKY = [1, 2, 3];

export function toTwin({ closes, fees }: RecordedMarket) {
  const price = ["USD", ...RECORDED.assets].map((asset) => closes.get(asset) ?? fees.map(() => 1));
  const ether = closes.get("ETH")!;
  const dollars = (fee: number, t: number) => (fee + 1.5) * 1e-9 * ether[t]!;
  const logs = fees.map((own) => mean(own.map(Math.log)));
  const present = logs.map((x, t) => dollars(Math.exp(x), t));
  const level = mean(present.slice(0, FROM).map(Math.log));
  const usual = logs.map(() => Number.NaN);
  for (let t = FROM, model: ReturnType<typeof fitSeries> | undefined; t < TO; t++) {
    const until = (length: number) => ({
      transform: "log" as const,
      end: unixMillis(RECORDED.start + (t + 1) * HOUR_MS),
      x: Float64Array.from(logs.slice(t + 1 - length, t + 1)),
    });
    // Whole days since the first signal; what there is of hours ends one before the last.
    if ((t - FROM) % DAY === 0) model = fitSeries(until(t + 1), { horizonsHours: [6, 18] });
    usual[t] = dollars(
      Math.exp(forecastSeries(model!, until(SERIES_LOOKBACK_HOURS)).mean[0]!.transformedMean),
      t,
    );
  }

  /** Covariances at hour `at` of returns since `since`, correlations half way to their mean. */
  function covarianceAt(since: number, at: number): number[][] {
    const raw = ASSETS.map((i) =>
      ASSETS.map((j) => {
        let [total, weights] = [0, 0];
        for (let t = since + 1; t <= at; t++) {
          const weight = 0.5 ** ((at - t) / 480);
          const change = (k: number) => price[k]![t]! / price[k]![t - 1]! - 1;
          total += weight * change(i) * change(j);
          weights += weight;
        }
        return total / weights;
      }),
    );
    const rho = (i: number, j: number) => raw[i]![j]! / Math.sqrt(raw[i]![i]! * raw[j]![j]!);
    const average = mean([rho(1, 2), rho(1, 3), rho(2, 3)]);
    return raw.map((row, i) =>
      row.map((c, j) =>
        i === j || i === 0 || j === 0
          ? c
          : ((rho(i, j) + average) / 2) * Math.sqrt(raw[i]![i]! * raw[j]![j]!),
      ),
    );
  }
  const times = (a: number[][], b: number[][]) =>
    a.map((row) => ASSETS.map((j) => sum(row.map((x, k) => x * b[k]![j]!))));
  const trace = (a: number[][]) => sum(a.map((row, i) => row[i]!));
  function scaleOf(covariance: number[][]): number {
    const j = ASSETS.map((a) => ASSETS.map((b) => (a === b ? TARGETS[a]! : 0) - TARGETS[a]! * TARGETS[b]!));
    const product = times(covariance, times(j, times(covariance, j)));
    const square = trace(times(product, product));
    const share = sum(TARGETS.map((w) => (w * (1 - w)) / 2));
    return Math.sqrt((2 * trace(product) + (4 * square) / trace(product)) / 6) / share;
  }
  const blocks = new Map<string, { covariance: number[][]; scale: number }>();
  function blockOf(from: number, t: number) {
    const at = from + DAY * Math.floor((t - from) / DAY);
    const key = `${from} ${at}`;
    if (!blocks.has(key)) {
      const covariance = covarianceAt(from - 960, at);
      blocks.set(key, { covariance, scale: scaleOf(covariance) });
    }
    return blocks.get(key)!;
  }

  function run(from: number, to: number, rule: Plain): Run {
    let held = TARGETS.map((w) => w * NAV);
    const out: Run = { cost: [], gas: [], squares: [] };
    /** What was decided at the bar before, of each asset its weight, or undefined where it stays. */
    let plan: { weights: (number | undefined)[]; cap: number } | undefined;
    for (let t = from + 1; t < to; t++) {
      const growth = ASSETS.map((i) => price[i]![t]! / price[i]![t - 1]!);
      const before = sum(held);
      held = held.map((x, i) => x * growth[i]!);
      const value = sum(held);
      const difference = value / before - sum(TARGETS.map((w, i) => w * growth[i]!));
      let [cost, gas] = [0, 0];
      const decided = plan;
      plan = undefined;
      const paid =
        decided &&
        (rule.response === undefined
          ? present[t]!
          : fees[t]!.map((fee) => dollars(fee, t)).find((fee) => fee <= decided.cap));
      if (paid !== undefined) {
        const wanted = RISKY.map((i) => (decided!.weights[i] ?? held[i]! / value) * value);
        const traded = RISKY.map((i, k) => Math.abs(wanted[k]! - held[i]!));
        const swaps = traded.filter((x) => x > 1e-9 * value);
        gas = (paid * (VAULT_GAS.perTrade + swaps.length * VAULT_GAS.perSwap)) / value;
        cost = gas + sum(traded.map((x, k) => FEE * x + (x * x) / DEPTHS[k + 1]!)) / value;
        held = [value - sum(wanted), ...wanted].map((x) => x * (1 - cost));
      } else {
        plan = decide(
          from,
          t,
          rule,
          held.map((x, i) => x / value - TARGETS[i]!),
        );
      }
      out.cost.push(cost);
      out.gas.push(gas);
      out.squares.push(difference ** 2);
    }
    return out;
  }

  function decide(from: number, t: number, rule: Plain, off: number[]) {
    const factor = Math.min(4, Math.max(1 / 4, Math.exp(rule.levelPower * (Math.log(usual[t]!) - level))));
    const { covariance, scale } = blockOf(from, t);
    const varianceOf = (d: number[]) =>
      sum(d.map((x, i) => x * sum(d.map((y, j) => y * covariance[i]![j]!))));
    const multiple = rule.selects
      ? Math.sqrt(varianceOf(off) / scale) / (rule.width * factor)
      : Math.max(...off.map((d, i) => Math.abs(d) / (rule.triggers[i]! * factor)));
    if (rule.response === undefined && !(multiple > 1)) return undefined;
    const price = rule.response === undefined ? present[t]! : usual[t]!;
    const cap = usual[t]! * multiple ** (1 / (rule.response ?? 1));
    if (!rule.selects) {
      const room = rule.triggers.map((x) => rule.keep * x * Math.min(1, factor));
      const kept = off.map((d, i) => Math.max(-room[i]!, Math.min(room[i]!, d)));
      const [above, below] = [1, -1].map((side) => sum(kept.map((d) => Math.max(0, side * d))));
      const least = Math.min(above!, below!);
      const weights = kept.map(
        (d, i) => TARGETS[i]! + (d === 0 ? 0 : (d * least) / (d > 0 ? above! : below!)),
      );
      return { weights, cap };
    }
    const costOf = (chosen: readonly number[]) =>
      (price * (VAULT_GAS.perTrade + chosen.length * VAULT_GAS.perSwap)) / NAV +
      FEE * sum(chosen.map((i) => Math.abs(off[i]!)));
    const subsets = [1, 2, 3, 4, 5, 6, 7].map((bits) => RISKY.filter((i) => bits & (1 << (i - 1))));
    const totals = subsets.map((chosen) => {
      const left = off.map((d, i) => (chosen.includes(i) ? 0 : d));
      const u = varianceOf(left) / ((rule.width * factor) ** 2 * scale);
      return costOf(chosen) + costOf(RISKY) * (u >= 1 ? 1 : u * (2 - u));
    });
    const best = subsets[totals.indexOf(Math.min(...totals))]!;
    return { weights: ASSETS.map((i) => (best.includes(i) ? TARGETS[i]! : undefined)), cap };
  }
  return run;
}

const from15 = (u: number, low: number, high: number) =>
  u < 0.15 ? 0 : low + ((u - 0.15) / 0.85) * (high - low);
const plainRule = (u: number, v: number, width: number): Plain => ({
  triggers: TARGETS.map((w) => width * (w / 0.25) ** from15(v, 0, 1)),
  keep: from15(u, 0, 0.9),
  levelPower: 0,
  selects: false,
  width,
});
export const RULES: Record<string, (shape: readonly number[], width: number) => Plain> = {
  threshold: ([u, v], width) => plainRule(u!, v!, width),
  predictive: ([u, v, a, b], width) => ({
    ...plainRule(u! / 0.3, v!, width),
    selects: u! >= 0.3,
    levelPower: from15(b!, 0.3, 0.5),
    ...(a! >= 0.15 ? { response: from15(a!, 0.8, 1.2) } : {}),
  }),
};
/** Radical inverses of 1, 2, 3 and 4 by hand. */
export const HALTON = [
  [1 / 2, 1 / 3, 1 / 5, 1 / 7],
  [1 / 4, 2 / 3, 2 / 5, 2 / 7],
  [3 / 4, 1 / 9, 3 / 5, 3 / 7],
  [1 / 8, 4 / 9, 4 / 5, 4 / 7],
];

/** Mean per day of the scored window: cost, gas and squares of each point of a tuned family's frontier. */
export function scoreSlowly(run: ReturnType<typeof toTwin>, toRule: (typeof RULES)[string]) {
  const starts = [0, DAY];
  const measure = (rule: Plain) => {
    const runs = starts.map((late) => run(FROM + late, MIDDLE, rule));
    return {
      error: Math.sqrt(mean(runs.map(({ squares }) => mean(squares)))),
      cost: mean(runs.map((one) => mean(one.cost))),
    };
  };
  const anchors = ANCHORS.map((width) => measure({ ...plainRule(0, 0, width) }));
  const slope =
    Math.log(anchors[1]!.cost / anchors[0]!.cost) / Math.log(anchors[0]!.error / anchors[1]!.error);
  const elasticity = Math.min(2, Math.max(1, slope));
  const tried = HALTON.map((shape) => {
    const points = WIDTHS.map((width) => ({ width, ...measure(toRule(shape, width)) }));
    return { shape, points, height: mean(points.map(({ cost, error }) => cost * error ** elasticity)) };
  });
  const best = tried.reduce((a, b) => (b.height < a.height ? b : a));
  const sorted = [...best.points].sort((a, b) => a.error - b.error);
  return anchors.map(({ error }) => {
    const k = error <= sorted[1]!.error ? 0 : 1;
    const [a, b] = [sorted[k]!, sorted[k + 1]!];
    const share = Math.log(error / a.error) / Math.log(b.error / a.error);
    const width = Math.min(2 * WIDTHS[2]!, Math.max(WIDTHS[0]! / 2, a.width * (b.width / a.width) ** share));
    const runs = starts.map((late) => run(MIDDLE + late, TO, toRule(best.shape, width)));
    const days = Math.ceil(runs[0]!.cost.length / DAY);
    const daily = (name: keyof Run) =>
      Array.from({ length: days }, (_, day) =>
        mean(
          runs.slice(0, day + 1).map((one, i) => sum(one[name].slice((day - i) * DAY, (day - i + 1) * DAY))),
        ),
      );
    return { cost: mean(daily("cost")), gas: mean(daily("gas")), squares: mean(daily("squares")) };
  });
}
