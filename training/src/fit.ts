import { setImmediate } from "node:timers/promises";
import { type Random, seededRandom } from "@ballast/data";
import { FEATURE_COUNT, HORIZONS_HOURS, type Layer, type NetworkArtefact } from "@ballast/model";
import { type Dataset, LONGEST_HORIZON_HOURS } from "./dataset.ts";
import { createLearner, type Learner } from "./learner.ts";
import { fitLinear, type Sample } from "./linear.ts";
import { emptyArtefact, toSample, withBias } from "./standardisation.ts";

export interface FitConfig {
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  /** Networks, differently seeded, whose log forecasts are averaged. */
  readonly members: number;
  readonly batchRows: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxEpochs: number;
  /** Epochs without a better validation loss after which a member stops. */
  readonly patience: number;
  /** Last part of the training times that only decides when to stop. */
  readonly validationShare: number;
  /** Ridge of the linear forecast, per row. */
  readonly ridge: number;
  readonly correlationHalfLifeHours: number;
}

export interface FitContext {
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the share of the fit that is done, 0..1. */
  readonly onShare?: ((share: number) => void) | undefined;
}

export interface NetworkFit {
  readonly artefact: NetworkArtefact;
  readonly linearOnly: NetworkArtefact;
  /** Per member. */
  readonly epochs: readonly number[];
  /** Per horizon, the share of the members' correction that validation left standing. */
  readonly belief: readonly number[];
}

const HORIZONS = HORIZONS_HOURS.length;

/**
 * Fits one artefact to the forecast times [0, timesEnd) of a dataset, in two passes. The first holds back the
 * last times, an embargo of the longest horizon after those it fits, and finds there how many epochs each
 * member needs and how much of the correction to believe at each horizon. The second fits the pooled linear
 * forecast and the members, which start at it, on all times. Then comes the multiplicative bias correction.
 * `linearOnly` is the same artefact without its members. Equal inputs and seed give equal bits on a
 * reproducible backend.
 */
export async function fitNetwork(
  dataset: Dataset,
  timesEnd: number,
  config: FitConfig,
  context: FitContext,
): Promise<NetworkFit> {
  const assets = dataset.assets.length;
  const cut = Math.round(timesEnd * (1 - config.validationShare));
  const embargo = Math.ceil(LONGEST_HORIZON_HOURS / dataset.strideHours);
  const shell = emptyArtefact(dataset, timesEnd * assets, config.correlationHalfLifeHours);
  const rehearsed = toTask(toSample(dataset, shell, 0, (cut - embargo) * assets), config.ridge);
  const held = toRatios(toSample(dataset, shell, cut * assets, timesEnd * assets), rehearsed.linear);
  const { signal } = context;
  const half = (k: number) => (share: number) => context.onShare?.((k + share) / 2);

  const epochs: number[] = [];
  const corrections: Float32Array[] = [];
  for (let m = 0; m < config.members; m++) {
    const learner = startMember(config, context.seed, m);
    try {
      let best = { ...score(learner.predict(held.z), held), epochs: 0, correction: learner.predict(held.z) };
      for (let epoch = 1; epoch <= config.maxEpochs && epoch - best.epochs <= config.patience; epoch++) {
        runEpoch(learner, rehearsed, config, context.seed, m, epoch);
        const correction = learner.predict(held.z);
        const scored = score(correction, held);
        if (scored.mean < best.mean) best = { ...scored, epochs: epoch, correction };
        await pause(signal);
        half(0)((m + epoch / config.maxEpochs) / config.members);
      }
      epochs.push(best.epochs);
      corrections.push(best.correction);
    } finally {
      learner.dispose();
    }
  }
  const belief = toBelief(corrections, held);

  const task = toTask(toSample(dataset, shell, 0, timesEnd * assets), config.ridge);
  const members: Layer[][] = [];
  for (let m = 0; m < config.members; m++) {
    const learner = startMember(config, context.seed, m);
    try {
      for (let epoch = 1; epoch <= epochs[m]!; epoch++) {
        runEpoch(learner, task, config, context.seed, m, epoch);
        await pause(signal);
        half(1)((m + epoch / epochs[m]!) / config.members);
      }
      members.push(scaleOutputs(learner.layers(), belief));
    } finally {
      learner.dispose();
    }
  }
  const rows = timesEnd * assets;
  return {
    artefact: withBias(dataset, rows, { ...shell, linear: task.linear, members }),
    linearOnly: withBias(dataset, rows, { ...shell, linear: task.linear }),
    epochs,
    belief,
  };
}

/** Standardised inputs, and the realised variance over the linear forecast that is to be corrected. */
interface Task {
  readonly rows: number;
  readonly z: Float32Array;
  readonly ratio: Float32Array;
  readonly linear: Layer;
}

function toTask(sample: Sample, ridge: number): Task {
  return toRatios(sample, { inputs: FEATURE_COUNT, outputs: HORIZONS, ...fitLinear(sample, ridge) });
}

function toRatios(sample: Sample, linear: Layer): Task {
  const ratio = new Float32Array(sample.rows * HORIZONS);
  for (let r = 0; r < sample.rows; r++) {
    for (let h = 0; h < HORIZONS; h++) {
      let log = linear.bias[h]!;
      for (let i = 0; i < FEATURE_COUNT; i++) {
        log += linear.weights[h * FEATURE_COUNT + i]! * sample.z[r * FEATURE_COUNT + i]!;
      }
      ratio[r * HORIZONS + h] = sample.y[r * HORIZONS + h]! * Math.exp(-log);
    }
  }
  return { rows: sample.rows, z: sample.z, ratio, linear };
}

const startMember = (config: FitConfig, seed: number, member: number): Learner =>
  createLearner(
    { ...config, widths: [FEATURE_COUNT, ...config.hidden, HORIZONS] },
    seededRandom(seed, `member ${member}`),
  );

/** One pass over all rows, in an order of its own that depends on seed, member and epoch alone. */
function runEpoch(
  learner: Learner,
  task: Task,
  config: FitConfig,
  seed: number,
  member: number,
  epoch: number,
): void {
  const order = Int32Array.from({ length: task.rows }, (_, i) => i);
  shuffle(order, seededRandom(seed, `order ${member} ${epoch}`));
  for (let from = 0; from < task.rows; from += config.batchRows) {
    const rows = order.subarray(from, Math.min(task.rows, from + config.batchRows));
    learner.step(gather(task.z, FEATURE_COUNT, rows), gather(task.ratio, HORIZONS, rows));
  }
}

/** Lets an interrupt through between two epochs. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/**
 * Per horizon, ln(mean ratio·e^{−c}) + mean c of corrections c: QLIKE, up to a constant, of the forecast after
 * the multiplicative bias correction that it will get.
 */
function score(correction: Float32Array, { rows, ratio }: Task): { perHorizon: number[]; mean: number } {
  const scaled = new Float64Array(HORIZONS);
  const shift = new Float64Array(HORIZONS);
  for (let i = 0; i < correction.length; i++) {
    const h = i % HORIZONS;
    scaled[h] = scaled[h]! + (ratio[i]! * Math.exp(-correction[i]!)) / rows;
    shift[h] = shift[h]! + correction[i]! / rows;
  }
  const perHorizon = Array.from(scaled, (s, h) => Math.log(s) + shift[h]!);
  return { perHorizon, mean: perHorizon.reduce((sum, s) => sum + s, 0) / HORIZONS };
}

/** How much of the members' mean correction is best believed, per horizon: a share of 0, ¼, ½, ¾ or 1. */
function toBelief(corrections: readonly Float32Array[], held: Task): number[] {
  const shares = [0, 0.25, 0.5, 0.75, 1];
  const scores = shares.map((share) => {
    const scaled = new Float32Array(held.rows * HORIZONS);
    for (const c of corrections) {
      for (let i = 0; i < scaled.length; i++) scaled[i] = scaled[i]! + (share * c[i]!) / corrections.length;
    }
    return score(scaled, held).perHorizon;
  });
  return HORIZONS_HOURS.map((_, h) => {
    let best = 0;
    for (let s = 1; s < shares.length; s++) if (scores[s]![h]! < scores[best]![h]!) best = s;
    return shares[best]!;
  });
}

/** The last layer's outputs times `share`; + 0 as −0 has no canonical JSON. */
function scaleOutputs(layers: readonly Layer[], share: readonly number[]): Layer[] {
  const last = layers[layers.length - 1]!;
  const scaled: Layer = {
    ...last,
    weights: last.weights.map((w, i) => w * share[Math.floor(i / last.inputs)]! + 0),
    bias: last.bias.map((b, o) => b * share[o]! + 0),
  };
  return [...layers.slice(0, -1), scaled];
}

function shuffle(order: Int32Array, random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
}

function gather(table: Float32Array, width: number, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    for (let j = 0; j < width; j++) out[i * width + j] = table[from + j]!;
  }
  return out;
}
