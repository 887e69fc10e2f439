import { normalQuantile } from "./distributions.ts";
import { mean, requireBinary, requireLength, requireProbabilities, requireThat } from "./sample.ts";

/** Forecasts of one bin against what happened. */
export interface ReliabilityBin {
  /** Lowest and highest probability said in it. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly meanForecast: number;
  /** Observed share of outcomes 1, with its 95 % interval for independent outcomes (Wilson 1927). */
  readonly frequency: number;
  readonly frequencyLow: number;
  readonly frequencyHigh: number;
}

/** `equal-width`: bins of [0, 1]. `equal-count`: bins of about as many forecasts, equal forecasts never parted. */
export type Binning = "equal-width" | "equal-count";

/** Brier score = reliability − resolution + uncertainty + withinBin. */
export interface BrierDecomposition {
  /** Count-weighted squared distance of the said from the observed in each bin: 0 is calibrated. */
  readonly reliability: number;
  /** Count-weighted squared distance of each bin's frequency from the overall one: large is informative. */
  readonly resolution: number;
  /** Variance of the outcome. */
  readonly uncertainty: number;
  /** What binning hides: 0 where all forecasts of a bin are equal. */
  readonly withinBin: number;
}

function requirePaired(probability: Float64Array, outcome: Uint8Array): void {
  requireProbabilities("probabilities", probability);
  requireBinary("outcomes", outcome);
  requireLength("outcomes", outcome, probability.length);
}

/**
 * Mean squared error of probabilities for outcomes 0 or 1 (Brier 1950). Throws, as all in this file,
 * TooFewObservationsError of nothing, NonFiniteSampleError, UnequalLengthsError and OutOfRangeError.
 */
export function brierScore(probability: Float64Array, outcome: Uint8Array): number {
  requirePaired(probability, outcome);
  let sum = 0;
  for (let i = 0; i < outcome.length; i++) sum += (probability[i]! - outcome[i]!) ** 2;
  return sum / outcome.length;
}

/**
 * 1 − Brier score over that of `reference` probabilities, by default of always saying the observed frequency
 * (climatology): 1 is perfect, 0 no better. 0 where the reference is perfect, as where the outcome never varies.
 */
export function brierSkill(probability: Float64Array, outcome: Uint8Array, reference?: Float64Array): number {
  const score = brierScore(probability, outcome);
  const frequency = mean(outcome);
  const constant = reference === undefined ? frequency * (1 - frequency) : brierScore(reference, outcome);
  return constant === 0 ? 0 : 1 - score / constant;
}

/** Mean −ln of the probability given to what happened (Good 1952); ∞ once something ruled out happened. */
export function logScore(probability: Float64Array, outcome: Uint8Array): number {
  requirePaired(probability, outcome);
  let sum = 0;
  for (let i = 0; i < outcome.length; i++) {
    sum -= outcome[i] === 1 ? Math.log(probability[i]!) : Math.log1p(-probability[i]!);
  }
  return sum / outcome.length;
}

/**
 * Area under the receiver operating characteristic: probability that an outcome 1 was given more than an outcome 0,
 * ties counting half (Hanley & McNeil 1982), exactly. 0.5 where one of the two never happened.
 */
export function areaUnderCurve(probability: Float64Array, outcome: Uint8Array): number {
  requirePaired(probability, outcome);
  const order = ascending(probability);
  let wins = 0;
  let zerosBelow = 0;
  for (let i = 0; i < order.length; ) {
    let ones = 0;
    let zeros = 0;
    const tied = probability[order[i]!]!;
    for (; i < order.length && probability[order[i]!] === tied; i++) {
      if (outcome[order[i]!] === 1) ones++;
      else zeros++;
    }
    wins += ones * (zerosBelow + zeros / 2);
    zerosBelow += zeros;
  }
  const pairs = zerosBelow * (order.length - zerosBelow);
  return pairs === 0 ? 0.5 : wins / pairs;
}

const ascending = (values: Float64Array): Uint32Array =>
  Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);

/** Forecasts by ascending bin; bins without a forecast are left out. */
export function reliabilityTable(
  probability: Float64Array,
  outcome: Uint8Array,
  bins: number,
  binning: Binning,
): ReliabilityBin[] {
  requirePaired(probability, outcome);
  requireThat(Number.isInteger(bins) && bins >= 1, "number of bins", bins, "a whole number from 1");
  const order = ascending(probability);
  const n = order.length;
  const table: ReliabilityBin[] = [];
  const widthBin = (p: number) => Math.min(bins - 1, Math.floor(p * bins));
  for (let from = 0; from < n; ) {
    const low = probability[order[from]!]!;
    // Equal counts: each bin takes its share of what is left, and the rest of a tie.
    const share = Math.round((n - from) / Math.max(1, bins - table.length));
    const isIn = (rank: number, p: number) =>
      binning === "equal-width"
        ? widthBin(p) === widthBin(low)
        : rank - from < share || p === probability[order[rank - 1]!];
    let to = from;
    let forecasts = 0;
    let happened = 0;
    for (; to < n && (to === from || isIn(to, probability[order[to]!]!)); to++) {
      forecasts += probability[order[to]!]!;
      happened += outcome[order[to]!]!;
    }
    const count = to - from;
    const [frequencyLow, frequencyHigh] = wilsonInterval(happened, count);
    table.push({
      low,
      high: probability[order[to - 1]!]!,
      count,
      meanForecast: forecasts / count,
      frequency: happened / count,
      frequencyLow,
      frequencyHigh,
    });
    from = to;
  }
  return table;
}

/** 95 % interval of a binomial probability (Wilson 1927). */
function wilsonInterval(happened: number, count: number): [number, number] {
  const z = normalQuantile(0.975);
  const frequency = happened / count;
  const centre = frequency + (z * z) / (2 * count);
  const half = z * Math.sqrt((frequency * (1 - frequency)) / count + (z * z) / (4 * count * count));
  const scale = 1 + (z * z) / count;
  // At 0 and 1 the interval begins on the frequency itself, which rounding must not exclude.
  return [
    Math.max(0, Math.min(frequency, (centre - half) / scale)),
    Math.min(1, Math.max(frequency, (centre + half) / scale)),
  ];
}

/** Count-weighted distance of the said from the observed over the bins (Naeini, Cooper & Hauskrecht 2015). */
export function expectedCalibrationError(table: readonly ReliabilityBin[]): number {
  const total = table.reduce((sum, bin) => sum + bin.count, 0);
  return table.reduce(
    (sum, { count, meanForecast, frequency }) => sum + (count * Math.abs(meanForecast - frequency)) / total,
    0,
  );
}

/** The Brier score in parts (Murphy 1973) over a reliability table of the same forecasts. */
export function brierDecomposition(
  probability: Float64Array,
  outcome: Uint8Array,
  table: readonly ReliabilityBin[],
): BrierDecomposition {
  const score = brierScore(probability, outcome);
  const overall = mean(outcome);
  let reliability = 0;
  let resolution = 0;
  for (const { count, meanForecast, frequency } of table) {
    reliability += (count * (meanForecast - frequency) ** 2) / outcome.length;
    resolution += (count * (frequency - overall) ** 2) / outcome.length;
  }
  const uncertainty = overall * (1 - overall);
  return {
    reliability,
    resolution,
    uncertainty,
    withinBin: score - (reliability - resolution + uncertainty),
  };
}
