/** What training writes of a model; parts are absent where another program wrote it. */
export interface Manifest {
  readonly modelId: string;
  readonly metrics?: unknown;
  readonly dataset: {
    readonly name?: string;
    readonly assets?: readonly string[];
    readonly from?: string;
    readonly until?: string;
    readonly root: string;
  };
  readonly calibration?: {
    readonly a: number;
    readonly b: number;
    readonly predictions: number;
    readonly frequency: number;
    readonly brierSkillRaw: number;
    readonly brierSkillCalibrated: number;
  };
  /** Absent where the program that trained the model did not record it. */
  readonly outOfSample?: {
    readonly spans: readonly SpanScore[];
    readonly breach: {
      readonly horizonHours: number;
      readonly from: string;
      readonly until: string;
      readonly raw: readonly ObservedBin[];
      readonly recalibrated: readonly ObservedBin[];
    };
    readonly quantiles: readonly QuantileCoverage[];
  };
  readonly breachNetwork?: { readonly id: string; readonly breach?: readonly Skill[] };
}
export interface SpanScore {
  readonly from: string;
  readonly until: string;
  readonly fold: number;
  readonly rows: number;
  /** By forecaster, in the order of the metrics' horizons. */
  readonly qlike: Readonly<Record<string, readonly number[]>>;
}
export interface ObservedBin {
  readonly forecast: number;
  readonly observed: number;
  readonly count: number;
}
export interface QuantileCoverage {
  readonly horizonHours: number;
  readonly rows: number;
  readonly levels: readonly number[];
  readonly observed: readonly number[];
}
interface Skill {
  readonly band: number;
  readonly horizonHours: number;
  readonly frequency: number;
  readonly auc: number;
  readonly brierSkill: number;
}
export interface Score {
  readonly horizonHours: number;
  readonly qlike: Readonly<Record<string, number>>;
  readonly ratioToLogHar: Readonly<Record<string, number>>;
  readonly tAgainstLogHar: number;
  readonly coverage90: number;
}

export const scoresOf = ({ metrics }: Manifest): readonly Score[] =>
  Array.isArray(metrics) ? (metrics as Score[]) : [];

export const nameOf = ({ modelId, dataset }: Manifest) =>
  `${modelId.slice(0, 10)}… ${dataset.name ?? ""}`.trim();
