import { BallastError, type Hex } from "@ballast/data";
import { HORIZONS_HOURS } from "./forecast.ts";
import { type IntegerNetwork, toRunner } from "./integer-network.ts";
import { readNetwork } from "./integer-network-bytes.ts";
import { FEATURE_FRACTION_BITS, MARKET_FEATURE_COUNT } from "./market-features.ts";

/**
 * The score by which a vault judges for itself whether a weight is about to leave its band. All is integer, and
 * `BreachScoreLib.sol` computes the same bits.
 */

const WAD = 10n ** 18n;
const ONE = 1n << BigInt(FEATURE_FRACTION_BITS);

/** own weight; base asset's share of the rest; concentration of the rest; whether it is the base asset. */
export const STATE_FEATURE_COUNT = 4;
export const BREACH_INPUTS = MARKET_FEATURE_COUNT + STATE_FEATURE_COUNT;
export const BREACH_OUTPUTS = HORIZONS_HOURS.length;

/** round(1024·log2(hours)) of HORIZONS_HOURS. */
export const LOG2_HOURS = [0, 2048, 4695, 7570] as const;
/** round(1024·log2(10¹⁸)). */
const LOG2_WAD = 61_230n;

export class ScoreRangeError extends BallastError {
  readonly code = "SCORE_RANGE";
  readonly holding: number;
  constructor(holding: number, found: string) {
    super(`holding ${holding} has no breach score: ${found}. Decide by the reactive rule instead.`);
    this.holding = holding;
  }
}

export class BreachShapeError extends BallastError {
  readonly code = "BREACH_SHAPE";
  constructor(inputs: number, outputs: number) {
    super(
      `the network has ${inputs} inputs and ${outputs} outputs, one of a vault has ${BREACH_INPUTS} and ` +
        `${BREACH_OUTPUTS}. Train it again with \`ballast train\`.`,
    );
  }
}

/** The network in canonical bytes. Throws BadNetworkError, BreachShapeError. */
export function readBreachNetwork(bytes: Hex): IntegerNetwork {
  const network = readNetwork(Buffer.from(bytes.slice(2), "hex"));
  const inputs = network.layers[0]!.inputs;
  const outputs = network.layers[network.layers.length - 1]!.outputs;
  if (inputs !== BREACH_INPUTS || outputs !== BREACH_OUTPUTS) throw new BreachShapeError(inputs, outputs);
  return network;
}

/** What the vault knows of itself, WAD; the base asset first. */
export interface VaultWeights {
  readonly weights: readonly bigint[];
  readonly targets: readonly bigint[];
  readonly bands: readonly bigint[];
}

/** The four state features of one holding, 1024 is 1. Throws ScoreRangeError for a weight of all. */
export function stateFeatures(weights: readonly bigint[], holding: number): Int16Array {
  const own = weights[holding]!;
  const rest = WAD - own;
  if (rest <= 0n) throw new ScoreRangeError(holding, "it is all of the vault");
  let squares = 0n;
  for (let j = 1; j < weights.length; j++) if (j !== holding) squares += weights[j]! * weights[j]!;
  return Int16Array.of(
    Number((own * ONE) / WAD),
    holding === 0 ? 0 : Number((weights[0]! * ONE) / rest),
    Number((squares * ONE) / (rest * rest)),
    holding === 0 ? Number(ONE) : 0,
  );
}

/** 1024·log2(x/10¹⁸), x > 0, rounded down bit by bit but for the constant of 10¹⁸. */
export function log2OfWad(x: bigint): bigint {
  if (x <= 0n) throw new RangeError(`${x} has no logarithm`);
  const whole = BigInt(x.toString(2).length - 1);
  // A mantissa of 128 bits: in [2^127, 2^128) it stands for [1, 2).
  let mantissa = whole <= 127n ? x << (127n - whole) : x >> (whole - 127n);
  let log = whole;
  for (let bit = 0; bit < FEATURE_FRACTION_BITS; bit++) {
    mantissa = (mantissa * mantissa) >> 127n;
    log <<= 1n;
    if (mantissa >> 128n !== 0n) {
      mantissa >>= 1n;
      log |= 1n;
    }
  }
  return log - LOG2_WAD;
}

/**
 * Distance of the weight's log-odds to the nearer edge of its band, WAD, to first order: room/(w(1 − w)). An edge at
 * or beyond 0 or 1 cannot be crossed. A weight on its edge, which the reactive rule takes for inside, counts as one unit
 * inside. Throws ScoreRangeError outside the band, for a weight of 0 or 1, and for a band without an edge.
 */
export function distanceToEdge({ weights, targets, bands }: VaultWeights, holding: number): bigint {
  const [weight, target, band] = [weights[holding]!, targets[holding]!, bands[holding]!];
  if (weight <= 0n || weight >= WAD) throw new ScoreRangeError(holding, "its weight is none or all");
  const rooms: bigint[] = [];
  if (target > band) rooms.push(weight + band - target);
  if (target + band < WAD) rooms.push(target + band - weight);
  if (rooms.length === 0) throw new ScoreRangeError(holding, "its band has no edge");
  const room = rooms.reduce((least, r) => (r < least ? r : least));
  if (room < 0n) throw new ScoreRangeError(holding, "its weight is outside its band");
  return ((room === 0n ? 1n : room) * WAD * WAD) / (weight * (WAD - weight));
}

/** Scores a holding by one network; reuses its buffers. */
export interface BreachScorer {
  /**
   * Per horizon, log2 of the variance that the log-odds of the weight is expected to gather by then over the squared
   * distance to the band's nearer edge; 1024 is 1. The higher, the likelier a breach. `features` is the holding's row
   * of `marketFeatures`. Throws ScoreRangeError.
   */
  score(features: Int16Array, state: VaultWeights, holding: number): Int32Array;
  /** The network's own outputs on whole rows of inputs: log2 of variance per hour, 1024 is 1; [row][horizon]. */
  run(inputs: Int16Array): Int32Array;
}

export function toBreachScorer(network: IntegerNetwork): BreachScorer {
  const runner = toRunner(network);
  const input = new Int16Array(BREACH_INPUTS);
  const output = new Int32Array(BREACH_OUTPUTS);
  return {
    score(features, state, holding) {
      input.set(features);
      input.set(stateFeatures(state.weights, holding), MARKET_FEATURE_COUNT);
      runner.run(input, 0, output);
      const twice = 2 * Number(log2OfWad(distanceToEdge(state, holding)));
      return output.map((log, h) => log + LOG2_HOURS[h]! - twice);
    },
    run(inputs) {
      const rows = inputs.length / BREACH_INPUTS;
      const all = new Int32Array(rows * BREACH_OUTPUTS);
      for (let r = 0; r < rows; r++) {
        runner.run(inputs, r * BREACH_INPUTS, output);
        all.set(output, r * BREACH_OUTPUTS);
      }
      return all;
    },
  };
}
