import type { Hex } from "@ballast/data";
import { BallastError, canonicalJson, keccak } from "@ballast/data";
import { readBreachNetwork } from "./breach-score.ts";
import { type CostModel, toCostModels } from "./cost-models.ts";
import { FEATURE_NAMES } from "./features.ts";
import { HORIZONS_HOURS, QUANTILE_LEVELS } from "./forecast.ts";

/** One dense layer; `weights` is row-major, [output][input]. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/**
 * A pooled network: one set of weights for all assets. For feature row x it says, per horizon,
 *
 *     z = standardised(clipped(x))
 *     log variance per hour = linear(z) + mean over members of relu-network(z), clipped, + logBias
 */
export interface NetworkArtefact {
  /** Names of the inputs: those of FEATURE_NAMES when it was trained. */
  readonly features: readonly string[];
  readonly horizonsHours: readonly number[];
  /** Range of each feature in training; a later value outside it counts as the nearest end. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly mean: Float64Array;
  /** 1/standard deviation; 0 for a feature that was constant in training. */
  readonly scale: Float64Array;
  readonly linear: Layer;
  /** Networks of equal standing, with ReLU between their layers; their outputs are averaged. */
  readonly members: readonly (readonly Layer[])[];
  /** Per horizon, range of the log variance per hour before `logBias`. */
  readonly outputLower: Float64Array;
  readonly outputUpper: Float64Array;
  /** Per horizon, log of the mean of realised/forecast in training. */
  readonly logBias: Float64Array;
  /**
   * [horizon]: ascending quantiles, at QUANTILE_LEVELS, of log(realised/forecast) out of sample; absent where
   * nothing was forecast out of sample.
   */
  readonly logQuantiles?: readonly Float64Array[] | undefined;
  /** Half-life of the correlation's weights, hours. */
  readonly correlationHalfLifeHours: number;
  /** p = logistic(a + b·logit(raw)). */
  readonly breachCalibration: { readonly a: number; readonly b: number };
  /** Models of costs ahead, ascending by series; absent where the market had no series to learn from. */
  readonly costs?: readonly CostModel[] | undefined;
  /** Canonical bytes of the network that a vault runs itself; absent in models of programs that had none. */
  readonly breachNetwork?: Hex | undefined;
}

/** What an artefact's JSON says of itself; a change that alters any forecast raises the version. */
const FORMAT = "ballast-network/2";

export class BadModelError extends BallastError {
  readonly code = "BAD_MODEL";
  readonly field: string;
  constructor(field: string, found: string) {
    super(
      `this is no model that can be run: ${field} is ${found}. ` +
        `Fetch the artefact again or train a new one with \`ballast train\`.`,
    );
    this.field = field;
  }
}

/** Canonical bytes of a model: RFC 8785 JSON in UTF-8. Equal artefacts have equal bytes. */
export function modelBytes(artefact: NetworkArtefact): Uint8Array {
  const { linear, members, logQuantiles, ...rest } = artefact;
  const plain: Record<string, unknown> = { format: FORMAT };
  for (const [key, value] of Object.entries(rest)) {
    plain[key] = value instanceof Float64Array ? [...value] : value;
  }
  const toPlain = (layer: Layer) => ({ ...layer, weights: [...layer.weights], bias: [...layer.bias] });
  plain.linear = toPlain(linear);
  if (logQuantiles !== undefined) plain.logQuantiles = logQuantiles.map((row) => [...row]);
  plain.members = members.map((layers) => layers.map(toPlain));
  return Buffer.from(canonicalJson(plain), "utf8");
}

/** The content address of a model: keccak256 of its bytes. */
export const modelId = (bytes: Uint8Array): Hex => keccak(bytes);

/**
 * The artefact in `bytes`. Throws BadModelError naming the first field that is missing, has the wrong size,
 * is not finite, or asks for features, horizons or a version this program does not know; also for bytes
 * that are not canonical, as their hash would name a model nobody wrote.
 */
export function readModel(bytes: Uint8Array): NetworkArtefact {
  const text = Buffer.from(bytes).toString("utf8");
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch {
    throw new BadModelError("the file", "not JSON");
  }
  const file = toObject(plain, "the file");
  if (file.format !== FORMAT) throw new BadModelError("format", String(file.format));
  expectList(file.features, FEATURE_NAMES, "features");
  expectList(file.horizonsHours, HORIZONS_HOURS, "horizonsHours");
  const inputs = FEATURE_NAMES.length;
  const outputs = HORIZONS_HOURS.length;
  const calibration = toObject(file.breachCalibration, "breachCalibration");
  const artefact: NetworkArtefact = {
    features: FEATURE_NAMES,
    horizonsHours: HORIZONS_HOURS,
    lower: toNumbers(file.lower, inputs, "lower"),
    upper: toNumbers(file.upper, inputs, "upper"),
    mean: toNumbers(file.mean, inputs, "mean"),
    scale: toNumbers(file.scale, inputs, "scale"),
    linear: toLayer(file.linear, inputs, outputs, "linear"),
    members: toList(file.members, "members").map((layers, m) =>
      toMember(layers, inputs, outputs, `members[${m}]`),
    ),
    outputLower: toNumbers(file.outputLower, outputs, "outputLower"),
    outputUpper: toNumbers(file.outputUpper, outputs, "outputUpper"),
    logBias: toNumbers(file.logBias, outputs, "logBias"),
    ...(file.logQuantiles !== undefined && { logQuantiles: toQuantiles(file.logQuantiles) }),
    correlationHalfLifeHours: toNumber(file.correlationHalfLifeHours, "correlationHalfLifeHours"),
    breachCalibration: {
      a: toNumber(calibration.a, "breachCalibration.a"),
      b: toNumber(calibration.b, "breachCalibration.b"),
    },
    ...(file.costs !== undefined && { costs: toCostModels(file.costs, refuse) }),
    ...(file.breachNetwork !== undefined && { breachNetwork: toBreachNetwork(file.breachNetwork) }),
  };
  if (!(artefact.correlationHalfLifeHours > 0)) {
    throw new BadModelError("correlationHalfLifeHours", String(artefact.correlationHalfLifeHours));
  }
  if (Buffer.compare(modelBytes(artefact), bytes) !== 0)
    throw new BadModelError("the file", "not in canonical form");
  return artefact;
}

const refuse = (field: string, found: string): never => {
  throw new BadModelError(field, found);
};

function toMember(value: unknown, inputs: number, outputs: number, path: string): Layer[] {
  const layers = toList(value, path);
  if (layers.length === 0) throw new BadModelError(path, "empty");
  let width = inputs;
  return layers.map((layer, l) => {
    const at = `${path}[${l}]`;
    const next = l === layers.length - 1 ? outputs : toNumber(toObject(layer, at).outputs, `${at}.outputs`);
    const read = toLayer(layer, width, next, at);
    width = next;
    return read;
  });
}

function toQuantiles(value: unknown): Float64Array[] {
  const rows = toList(value, "logQuantiles");
  if (rows.length !== HORIZONS_HOURS.length)
    throw new BadModelError("logQuantiles", `${rows.length} rows instead of ${HORIZONS_HOURS.length}`);
  return rows.map((row, h) => {
    const path = `logQuantiles[${h}]`;
    const quantiles = toNumbers(row, QUANTILE_LEVELS.length, path);
    if (quantiles.some((q, i) => i > 0 && q < quantiles[i - 1]!))
      throw new BadModelError(path, "not ascending");
    return quantiles;
  });
}

function toBreachNetwork(value: unknown): Hex {
  if (typeof value !== "string" || !/^0x([0-9a-f]{2})+$/.test(value))
    throw new BadModelError("breachNetwork", "not bytes in hexadecimal");
  readBreachNetwork(value as Hex);
  return value as Hex;
}

function toLayer(value: unknown, inputs: number, outputs: number, path: string): Layer {
  const layer = toObject(value, path);
  if (layer.inputs !== inputs)
    throw new BadModelError(`${path}.inputs`, `${layer.inputs} instead of ${inputs}`);
  if (layer.outputs !== outputs)
    throw new BadModelError(`${path}.outputs`, `${layer.outputs} instead of ${outputs}`);
  return {
    inputs,
    outputs,
    weights: toNumbers(layer.weights, inputs * outputs, `${path}.weights`),
    bias: toNumbers(layer.bias, outputs, `${path}.bias`),
  };
}

function toObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadModelError(path, value === undefined ? "missing" : "not an object");
  }
  return value as Record<string, unknown>;
}

function toList(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw new BadModelError(path, value === undefined ? "missing" : "not a list");
  return value;
}

function toNumber(value: unknown, path: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BadModelError(path, String(value));
  return value;
}

function toNumbers(value: unknown, length: number, path: string): Float64Array {
  const list = toList(value, path);
  if (list.length !== length) throw new BadModelError(path, `${list.length} numbers instead of ${length}`);
  return Float64Array.from(list, (x, i) => toNumber(x, `${path}[${i}]`));
}

function expectList(value: unknown, expected: readonly unknown[], path: string): void {
  const list = toList(value, path);
  if (list.length !== expected.length || list.some((x, i) => x !== expected[i])) {
    throw new BadModelError(path, `not those of this program (${expected.join(", ")})`);
  }
}
