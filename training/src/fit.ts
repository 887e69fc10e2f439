import { setImmediate } from "node:timers/promises";
import { type Random, seededRandom } from "@ballast/data";
import { FEATURE_COUNT, HORIZONS_HOURS, type Layer, type NetworkArtefact } from "@ballast/model";
import type { Errors } from "./intervals.ts";
import { createLearner, type Learner } from "./learner.ts";
import { fitPooledForecast, hoursOf, toTrust } from "./pooled.ts";
import { type Rows, timesKnownAt } from "./rows.ts";
import { emptyArtefact, toInputs, withBias } from "./standardisation.ts";

export interface FitConfig {
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  /** Networks, differently seeded, whose log forecasts are averaged. */
  readonly members: number;
  readonly batchRows: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxEpochs: number;
  /** Epochs without a better validation loss after which training stops. */
  readonly patience: number;
  /** Last part of the training rows that only decides when to stop. */
  readonly validationShare: number;
  /** Multiplies the penalties of the linear forecast; 1 is what its prior says. */
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
  /**
   * [horizon]: log(realised/forecast) in the rehearsal: of the times held back, and of those before them by the
   * linear forecast, as weeks held back are but one regime.
   */
  readonly errors: readonly Errors[];
}

const HORIZONS = HORIZONS_HOURS.length;
/** Members of the rehearsal at most: their mean is scored, and two say nearly what five would. */
const REHEARSING_MEMBERS = 2;

/**
 * Fits one artefact to every target of some rows that has ended by `at` (ms), in two passes. The first holds back
 * the last times, fits as if it stood at the first of them, and finds there how many epochs to train and how
 * much of the members' correction to believe at each horizon. The second fits the pooled linear forecast and the
 * members, which start at it, on all. Then come the multiplicative bias corrections, of all and of each of the
 * `assets`, which the rows number. `linearOnly` is the same artefact without its members. Equal inputs and seed give
 * equal bits on a reproducible backend.
 */
export async function fitNetwork(
  rows: Rows,
  assets: readonly string[],
  at: number,
  config: FitConfig,
  context: FitContext,
): Promise<NetworkFit> {
  const knownAt = (time: number) => HORIZONS_HOURS.map((hours) => timesKnownAt(rows.times, time, hours));
  const known = knownAt(at);
  const count = Math.max(...known);
  let cut = Math.round(count * (1 - config.validationShare));
  while (cut > 0 && rows.times[cut - 1] === rows.times[cut]) cut--;
  const shell = emptyArtefact(rows, known, config.correlationHalfLifeHours);
  const inputs = toInputs(rows, shell, 0, count);
  const trust = toTrust(hoursOf(rows, count));
  const shape = { ...config, weightDecay: config.weightDecay / trust };
  const { signal, onShare } = context;
  const fitLinearTo = (ends: readonly number[]) => fitPooledForecast(rows, inputs, ends, config.ridge);

  const rehearsed = knownAt(rows.times[cut]!);
  const early = fitLinearTo(rehearsed);
  await pause(signal);
  const task = toTask(rows, inputs, early, 0, rehearsed);
  const held = toTask(rows, inputs, early, cut, known);
  const trial = startMembers(shape, context.seed, Math.min(REHEARSING_MEMBERS, config.members));
  let best: Choice = { epochs: 0, ...believe(new Float32Array(held.ratio.length), held, trust) };
  try {
    for (let epoch = 1; epoch <= config.maxEpochs && epoch - best.epochs <= config.patience; epoch++) {
      for (const [m, learner] of trial.entries()) runEpoch(learner, task, config, context.seed, m, epoch);
      const believed = believe(meanPrediction(trial, held.z), held, trust);
      if (believed.loss < best.loss) best = { epochs: epoch, ...believed };
      await pause(signal);
      onShare?.((0.5 * epoch) / config.maxEpochs);
    }
  } finally {
    for (const learner of trial) learner.dispose();
  }

  const linear = fitLinearTo(known);
  const whole = toTask(rows, inputs, linear, 0, known);
  const members: Layer[][] = [];
  const learners = startMembers(shape, context.seed, config.members);
  try {
    for (const [m, learner] of learners.entries()) {
      for (let epoch = 1; epoch <= best.epochs; epoch++) {
        runEpoch(learner, whole, config, context.seed, m, epoch);
        await pause(signal);
        onShare?.(0.5 + (0.5 * (m + epoch / best.epochs)) / config.members);
      }
      members.push(scaleOutputs(learner.layers(), best.belief));
    }
  } finally {
    for (const learner of learners) learner.dispose();
  }
  onShare?.(1);
  return {
    artefact: withBias(rows, known, { ...shell, linear, members }, assets),
    linearOnly: withBias(rows, known, { ...shell, linear }, assets),
    epochs: members.map(() => best.epochs),
    belief: best.belief,
    errors: HORIZONS_HOURS.map((_, h) =>
      toErrors(rows, [held, task], [best.log, task.ratio.map(Math.log)], h),
    ),
  };
}

/** Inputs, and the realised variance over the linear forecast that is to be corrected. */
interface Task {
  readonly from: number;
  readonly rows: number;
  readonly z: Float32Array;
  /** [row][horizon]; 0 where the target is not known. */
  readonly ratio: Float32Array;
  /** [row][horizon]: 1 where the target is known. */
  readonly weight: Float32Array;
}

/** Rows from `from` on; `known` is, per horizon, the end of those whose target is known. */
function toTask(
  { targets }: Rows,
  inputs: Float32Array,
  linear: Layer,
  from: number,
  known: readonly number[],
): Task {
  const rows = Math.max(...known) - from;
  const ratio = new Float32Array(rows * HORIZONS);
  const weight = new Float32Array(rows * HORIZONS);
  const z = inputs.subarray(from * FEATURE_COUNT, (from + rows) * FEATURE_COUNT);
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < HORIZONS; h++) {
      if (from + r >= known[h]!) continue;
      let log = linear.bias[h]!;
      for (let i = 0; i < FEATURE_COUNT; i++) {
        log += linear.weights[h * FEATURE_COUNT + i]! * z[r * FEATURE_COUNT + i]!;
      }
      ratio[r * HORIZONS + h] = targets[(from + r) * HORIZONS + h]! * Math.exp(-log);
      weight[r * HORIZONS + h] = 1;
    }
  }
  return { from, rows, z, ratio, weight };
}

/** The errors of some tasks where the target is known; `logs` are log(realised/forecast), [row][horizon]. */
function toErrors(
  rows: Rows,
  tasks: readonly Task[],
  logs: readonly Float32Array[],
  horizon: number,
): Errors {
  const known = tasks.flatMap(({ from, weight, rows: count }, k) =>
    Array.from({ length: count }, (_, r) => ({ row: from + r, k, at: r * HORIZONS + horizon })).filter(
      ({ at }) => weight[at] === 1,
    ),
  );
  return {
    times: Float64Array.from(known, ({ row }) => rows.times[row]!),
    asset: Float64Array.from(known, ({ row }) => rows.asset[row]!),
    log: Float64Array.from(known, ({ k, at }) => logs[k]![at]!),
  };
}

const startMembers = (config: FitConfig, seed: number, count: number): Learner[] =>
  Array.from({ length: count }, (_, m) =>
    createLearner(
      { ...config, widths: [FEATURE_COUNT, ...config.hidden, HORIZONS] },
      seededRandom(seed, `member ${m}`),
    ),
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
    learner.step(
      gather(task.z, FEATURE_COUNT, rows),
      gather(task.ratio, HORIZONS, rows),
      gather(task.weight, HORIZONS, rows),
    );
  }
}

/** Lets an interrupt through between two epochs. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

function meanPrediction(learners: readonly Learner[], z: Float32Array): Float32Array {
  const predictions = learners.map((learner) => learner.predict(z));
  return predictions[0]!.map((_, i) => predictions.reduce((sum, p) => sum + p[i]!, 0) / learners.length);
}

interface Choice {
  readonly epochs: number;
  readonly belief: readonly number[];
  readonly loss: number;
  /** [row][horizon] of the times held back: log(realised/forecast). */
  readonly log: Float32Array;
}

const BELIEFS = [0, 0.25, 0.5, 0.75, 1] as const;

/**
 * How much of a correction is best believed, per horizon, by ln(mean ratio·e^{−c}) + mean c: QLIKE, up to a
 * constant, of the forecast after the multiplicative bias correction that it will get. `loss` is its mean over
 * the horizons.
 */
function believe(
  correction: Float32Array,
  { rows, ratio, weight }: Task,
  trust: number,
): Omit<Choice, "epochs"> {
  const belief: number[] = [];
  const log = new Float32Array(ratio.length);
  let total = 0;
  for (let h = 0; h < HORIZONS; h++) {
    const known: number[] = [];
    for (let at = h; at < rows * HORIZONS; at += HORIZONS) if (weight[at] === 1) known.push(at);
    const losses = BELIEFS.map((share) => {
      let [scaled, shift] = [0, 0];
      for (const at of known) {
        scaled += ratio[at]! * Math.exp(-share * correction[at]!);
        shift += share * correction[at]!;
      }
      return known.length === 0 ? 0 : Math.log(scaled / known.length) + shift / known.length;
    });
    const least = Math.min(...losses);
    const share = trust * BELIEFS[losses.indexOf(least)]!;
    belief.push(share);
    total += least;
    for (const at of known) log[at] = Math.log(ratio[at]!) - share * correction[at]!;
  }
  return { belief, loss: total / HORIZONS, log };
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
