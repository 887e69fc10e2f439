import { features, type VaultScorer } from "@ballast/agent";
import { BallastError, type Hex, isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import {
  type Forecaster,
  HORIZONS_HOURS,
  modelId,
  type NetworkArtefact,
  readModel,
  toForecaster,
} from "@ballast/model";
import { toDataset } from "../dataset.ts";
import { fitCosts } from "../fit-costs.ts";
import type { PanelMarket } from "../panel.ts";
import { fitPooledForecast } from "../pooled.ts";
import { timesKnownAt, toRows } from "../rows.ts";
import { emptyArtefact, toInputs, withBias } from "../standardisation.ts";

/** A model at work in a backtest. */
export interface ActiveModel {
  readonly modelId: Hex;
  readonly forecaster: Forecaster;
  /** Of its breach network; absent where it has none. */
  readonly scorer: VaultScorer | undefined;
}

/** A model made elsewhere, the same throughout. */
export interface FrozenModel {
  readonly kind: "frozen";
  /** Canonical bytes of its artefact. */
  readonly bytes: Uint8Array;
  /** End of the bars it was trained on. */
  readonly trainedUntil: UnixMillis;
}

/** Models fitted on the way, each on the bars until then. */
export interface RetrainedModels {
  readonly kind: "retrained";
  readonly everyMs: number;
  /** Before there are so many hours of bars nothing is fitted. */
  readonly leastHours: number;
  /** Kind and settings of the fit: a run goes on only with the same. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** @param known Ends at `until`: no bar that opens at or after it is in it. */
  readonly fit: (known: PanelMarket, until: UnixMillis, signal?: AbortSignal) => Promise<NetworkArtefact>;
}

export type ModelPlan = { readonly kind: "none" } | FrozenModel | RetrainedModels;

export class ModelSawTheFutureError extends BallastError {
  readonly code = "MODEL_SAW_THE_FUTURE";
  readonly trainedUntil: UnixMillis;
  constructor(id: Hex, trainedUntil: UnixMillis, from: UnixMillis) {
    super(
      `Model ${id} was trained on bars until ${isoTime(trainedUntil)}, and the backtest begins at ${isoTime(from)}: ` +
        "it would be asked about what it has seen. Begin at its end or later, or retrain on the way.",
    );
    this.trainedUntil = trainedUntil;
  }
}

/** Throws ModelSawTheFutureError, and BadModelError for a frozen model's bytes. */
export function checkModelPlan(plan: ModelPlan, from: UnixMillis): void {
  if (plan.kind !== "frozen") return;
  const id = modelId(plan.bytes);
  readModel(plan.bytes);
  if (!(plan.trainedUntil <= from)) throw new ModelSawTheFutureError(id, plan.trainedUntil, from);
}

/** Throws BadModelError. */
export function toActiveModel(bytes: Uint8Array): ActiveModel {
  const artefact = readModel(bytes);
  const network = artefact.breachNetwork;
  return {
    modelId: modelId(bytes),
    forecaster: toForecaster(artefact),
    scorer: network && features.scorer(Buffer.from(network.slice(2), "hex")),
  };
}

/**
 * A market whose time has stopped at `until`: the same bars and values up to there, and nothing after, whatever it is
 * asked. Its hash is that of the whole market and must not go into anything a decision is made of.
 */
export function stoppedAt(market: PanelMarket, until: UnixMillis): PanelMarket {
  const stop = (whole: Market): Market => ({
    name: whole.name,
    intervalMs: whole.intervalMs,
    assets: whole.assets,
    start: whole.start,
    length: whole.past(until).length,
    exogenousNames: whole.exogenousNames,
    get hash() {
      return whole.hash;
    },
    past: (t) => whole.past(unixMillis(Math.min(t, until))),
  });
  return { ...stop(market), ...(market.earlier && { earlier: market.earlier.map(stop) }) };
}

export interface LinearFitConfig {
  readonly maxRows: number;
  readonly ridge: number;
  readonly correlationHalfLifeHours: number;
}

/**
 * The pooled linear forecast alone, with models of the costs ahead: a model of seconds, for a backtest that fits many.
 * Nothing is forecast out of sample for it, so it has no quantiles, and its breach probabilities are as they come.
 * Throws what toDataset throws.
 */
export async function fitLinearModel(
  market: PanelMarket,
  config: LinearFitConfig,
  until: UnixMillis,
  signal?: AbortSignal,
): Promise<NetworkArtefact> {
  /** Where the market ends before `until`, no target reaches further. */
  const end = unixMillis(Math.min(until, market.start + market.length * market.intervalMs));
  const dataset = await toDataset(market, { until: end, maxRows: config.maxRows, signal });
  const rows = toRows(dataset);
  const known = HORIZONS_HOURS.map((hours) => timesKnownAt(rows.times, end, hours));
  const shell = emptyArtefact(rows, known, config.correlationHalfLifeHours);
  const inputs = toInputs(rows, shell, 0, Math.max(...known));
  const linear = fitPooledForecast(rows, inputs, known, config.ridge);
  const costs = fitCosts(market, end, signal).models;
  return {
    ...withBias(rows, known, { ...shell, linear }, dataset.assets),
    ...(costs.length > 0 && { costs }),
  };
}
