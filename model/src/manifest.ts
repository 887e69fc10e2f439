import type { Hex } from "@ballast/data";
import { BallastError, canonicalJson } from "@ballast/data";
import type { CostsReport } from "./costs-report.ts";
import type { OutOfSampleReport } from "./out-of-sample-report.ts";

export const FORECASTERS = ["network", "linear", "logHar", "ewma"] as const;
export type ForecasterName = (typeof FORECASTERS)[number];

/** Out-of-sample accuracy at one horizon, over all assets and times of the walk-forward's test blocks. */
export interface HorizonScore {
  readonly horizonHours: number;
  /** Mean QLIKE of each forecaster. */
  readonly qlike: Readonly<Record<ForecasterName, number>>;
  /** Mean QLIKE relative to the per-asset log-HAR's; below 1 is better. */
  readonly ratioToLogHar: Readonly<Record<ForecasterName, number>>;
  /** Diebold-Mariano t of the network against log-HAR and against the pooled linear forecast; negative is better. */
  readonly tAgainstLogHar: number;
  readonly tAgainstLinear: number;
  /** Share of outcomes within the network's 5 % and 95 % quantiles. */
  readonly coverage90: number;
}

/** How breach probabilities were recalibrated, and how well that did out of sample. */
export interface CalibrationReport {
  readonly a: number;
  readonly b: number;
  /** Predictions the calibration was fitted on, and the share of them that came true. */
  readonly predictions: number;
  readonly frequency: number;
  /** Brier skill in the last fold of the raw probability, and of one recalibrated with the folds before it. */
  readonly brierSkillRaw: number;
  readonly brierSkillCalibrated: number;
}

/** The TensorFlow.js backend that trained a model. */
export interface Backend {
  readonly name: "tfjs-node" | "wasm" | "cpu";
  readonly version: string;
  /** Whether the same seed and data give the same bits again. */
  readonly reproducible: boolean;
  /** Why this one, in words. */
  readonly reason: string;
}

/** How well a score ranked breaches within a horizon at one band, out of sample. */
export interface BreachSkill {
  /** Half-width of the band, share of the vault. */
  readonly band: number;
  readonly horizonHours: number;
  readonly predictions: number;
  /** Share of them that came true. */
  readonly frequency: number;
  readonly auc: number;
  /** Over climatology, of a logistic of the score fitted to the first half of the predictions, on the second. */
  readonly brierSkill: number;
}

/** The network that a vault runs, on times that its rehearsal did not see. */
export interface BreachNetworkReport {
  readonly rows: number;
  readonly heldRows: number;
  /** Mean QLIKE of the integer network, of the float one it was made from, and of the linear forecast both start at. */
  readonly horizons: readonly {
    readonly horizonHours: number;
    readonly qlike: number;
    readonly qlikeFloat: number;
    readonly qlikeLinear: number;
    /** By how much the integers are worse than the floats, per cent. */
    readonly quantisationLossPct: number;
  }[];
  readonly breach: readonly BreachSkill[];
}

/** What a model is, where it came from and how good it was. Plain JSON. */
export interface ModelManifest {
  readonly format: "ballast-manifest/1";
  readonly modelId: Hex;
  readonly dataset: {
    /** The market's hash. */
    readonly root: Hex;
    readonly name: string;
    readonly assets: readonly string[];
    readonly intervalMs: number;
    /** First bar's opening and end of training (ISO 8601, UTC); nothing at or after `until` was read. */
    readonly from: string;
    readonly until: string;
    /** Forecast times, and hours between two of them. */
    readonly times: number;
    readonly strideHours: number;
  };
  /** The training configuration, seed included. */
  readonly configuration: Readonly<Record<string, number | string | readonly number[]>>;
  readonly features: readonly string[];
  readonly backend: Backend;
  readonly versions: Readonly<Record<string, string>>;
  readonly folds: readonly {
    readonly trainUntil: string;
    readonly testFrom: string;
    readonly testUntil: string;
    /** Epochs of each member. */
    readonly epochs: readonly number[];
    /** Per horizon, the share of the network's correction that validation left standing. */
    readonly belief: readonly number[];
  }[];
  /** One per horizon. */
  readonly metrics: readonly HorizonScore[];
  readonly calibration: CalibrationReport;
  /** Scores over time and observed frequencies; absent in manifests of programs that did not record them. */
  readonly outOfSample?: OutOfSampleReport | undefined;
  /** Models of costs ahead; absent in manifests of programs that had none. */
  readonly costs?: CostsReport | undefined;
  /** The network that a vault runs itself; absent in manifests of programs that had none. */
  readonly breachNetwork?: (BreachNetworkReport & { readonly id: Hex }) | undefined;
}

export class BadManifestError extends BallastError {
  readonly code = "BAD_MANIFEST";
  constructor(found: string) {
    super(
      `this is no model manifest: ${found}. Fetch it again or train the model again with \`ballast train\`.`,
    );
  }
}

/** Canonical bytes of a manifest: RFC 8785 JSON in UTF-8. */
export const manifestBytes = (manifest: ModelManifest): Uint8Array =>
  Buffer.from(canonicalJson(manifest), "utf8");

/** The manifest in `bytes`. Throws BadManifestError for anything but the canonical bytes of this version. */
export function readManifest(bytes: Uint8Array): ModelManifest {
  const text = Buffer.from(bytes).toString("utf8");
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch {
    throw new BadManifestError("the bytes are not JSON");
  }
  const manifest = plain as ModelManifest | null;
  if (manifest?.format !== "ballast-manifest/1") {
    throw new BadManifestError(`its format is ${String(manifest?.format)}, not ballast-manifest/1`);
  }
  if (!/^0x[0-9a-f]{64}$/.test(String(manifest.modelId)))
    throw new BadManifestError("its modelId is no hash");
  if (canonicalJson(manifest) !== text) throw new BadManifestError("its JSON is not in canonical form");
  return manifest;
}
