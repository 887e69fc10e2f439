import { type JournalEntry, outlookOf, type Page, type RunSummary } from "@ballast/agent";
import { ACTION, CHECKS, type Evidence, toEvidence } from "@ballast/attest";
import { type Hex, isoTime } from "@ballast/data";
import { type Forecast, forecastHash, readModel, type SeriesAhead, type SeriesTarget } from "@ballast/model";
import type { Static } from "typebox";
import { toAlternatives } from "./alternatives.ts";
import type * as attestations from "./schemas/attestations.ts";
import type * as decisions from "./schemas/decisions.ts";
import type * as forecasts from "./schemas/forecasts.ts";
import type * as models from "./schemas/models.ts";
import type * as service from "./schemas/service.ts";

const HOURS_PER_YEAR = 8_760;

/** JSON has no NaN and no infinity. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

export function toDecision(entry: JournalEntry): Static<typeof decisions.Decision> {
  const { decision, execution } = entry;
  return {
    hash: entry.hash,
    run: entry.run,
    at: isoTime(entry.at),
    stage: entry.stage,
    action: decision.action === ACTION.rebalance ? "rebalance" : "hold",
    reason: entry.reason,
    policy: entry.policy,
    isBreached: entry.isBreached,
    breachProbability: finite(entry.breachProbability),
    weights: entry.weights.map(finite),
    numbers: Object.fromEntries(Object.entries(entry.numbers).map(([name, value]) => [name, finite(value)])),
    decision: {
      ...decision,
      chainId: decision.chainId.toString(),
      sequence: decision.sequence.toString(),
      decidedAt: decision.decidedAt.toString(),
      expiresAt: decision.expiresAt.toString(),
    },
    trades: entry.trades.map((trade) => ({
      ...trade,
      amountIn: trade.amountIn.toString(),
      minAmountOut: trade.minAmountOut.toString(),
    })),
    offchainUid: entry.offchainUid ?? null,
    uid: entry.uid ?? null,
    txHash: entry.txHash ?? null,
    execution:
      execution === undefined
        ? null
        : {
            txHash: execution.txHash,
            blockNumber: execution.blockNumber,
            minedAt: isoTime(Number(execution.minedAt) * 1000),
            navBefore: execution.navBefore.toString(),
            navAfter: execution.navAfter.toString(),
            outcome:
              execution.outcomeAttestation === undefined ? null : JSON.parse(execution.outcomeAttestation),
            gasUsed: execution.gasUsed.toString(),
            gasPrice: execution.gasPrice.toString(),
            amountsOut: execution.amountsOut.map(String),
          },
    rejection: entry.rejection ?? null,
  };
}

export const toDecisionDetail = (entry: JournalEntry): Static<typeof decisions.DecisionDetail> => ({
  ...toDecision(entry),
  forecast: entry.forecast === undefined ? null : toForecast(entry.forecast),
  outlook: toOutlook(entry),
  alternatives: toAlternatives(entry),
  verify: toVerifyPath(entry),
});

/** Decides again where it is posted to. */
const toVerifyPath = ({ hash, run }: JournalEntry): string =>
  `/v1/decisions/${hash}/verify?run=${encodeURIComponent(run)}`;

/** By the forecast that the decision signed for; one that it could not use says nothing of this vault. */
export function toOutlook({
  decision,
  forecast,
  watch,
  weights,
}: JournalEntry): Static<typeof decisions.DecisionDetail>["outlook"] {
  if (forecast === undefined || watch === undefined || decision.forecastHash !== forecastHash(forecast))
    return null;
  return outlookOf(watch, weights, forecast).map(({ horizons, ...holding }) => ({
    ...holding,
    horizons: horizons.map((horizon) => ({
      ...horizon,
      levels: [...horizon.levels],
      quantiles: [...horizon.quantiles],
      hoursToBreach: finite(horizon.hoursToBreach),
    })),
  }));
}

/** Of one asset and one horizon where they are named, else of all; costs have their own horizons. */
export function toForecast(
  forecast: Forecast,
  only?: string,
  onlyHours?: number,
): Static<typeof forecasts.Forecast> {
  const { assets, horizonsHours, quantiles, costs } = forecast;
  return {
    hash: forecastHash(forecast),
    modelId: forecast.modelId,
    at: isoTime(forecast.at),
    assets: assets.flatMap((asset, i) =>
      only !== undefined && only !== asset
        ? []
        : [
            {
              asset,
              horizons: horizonsHours.flatMap((hours, h) => {
                if (onlyHours !== undefined && hours !== onlyHours) return [];
                const variance = forecast.variance[i]![h]!;
                const spread = quantiles?.variance[i]?.[h];
                return [
                  {
                    hours,
                    variance,
                    volAnnual: Math.sqrt((variance * HOURS_PER_YEAR) / hours),
                    ...(spread && { quantiles: [...spread] }),
                  },
                ];
              }),
              correlation: Object.fromEntries(
                assets.map((other, j) => [other, forecast.correlation[i]![j]!]),
              ),
            },
          ],
    ),
    levels: quantiles === undefined ? null : [...quantiles.levels],
    breachCalibration: forecast.breachCalibration,
    costs:
      costs === undefined ? null : { levels: [...costs.levels], series: costs.series.map(toSeriesAhead) },
  };
}

function toSeriesAhead({ name, now, horizonsHours, ...targets }: SeriesAhead) {
  const at = (target: SeriesTarget, h: number) => {
    const { mean, quantiles } = targets[target][h]!;
    return { mean, quantiles: [...quantiles] };
  };
  return {
    series: name,
    now,
    horizons: horizonsHours.map((hours, h) => ({
      hours,
      last: at("last", h),
      mean: at("mean", h),
      lowest: at("lowest", h),
    })),
  };
}

export const toPage = <T, R>(
  page: Page<T>,
  toItem: (item: T) => R,
): { items: R[]; nextCursor: string | null } => ({
  items: page.items.map(toItem),
  nextCursor: page.nextCursor ?? null,
});

/** Evidence as its file has it. */
export function toEvidenceFile(
  entry: JournalEntry,
  evidence: Evidence,
): Static<typeof attestations.EvidenceFile> {
  const { market, references, ...file } = toEvidence(evidence);
  const { decision, trades } = toDecision(entry);
  return {
    ...file,
    decision,
    trades,
    ...(market !== undefined && { market: { ...market, path: [...market.path] } }),
    ...(references !== undefined && { references: [...references] }),
  };
}

export function toAttestation(
  uid: Hex,
  entry: JournalEntry,
  evidence: Static<typeof attestations.EvidenceFile>,
): Static<typeof attestations.Attestation> {
  return {
    uid,
    kind: uid === entry.uid ? "onchain" : "offchain",
    decisionHash: entry.hash,
    run: entry.run,
    stage: entry.stage,
    evidence,
    verify: {
      evidence: `/v1/attestations/${uid}/evidence`,
      action: toVerifyPath(entry),
      command: "ballast verify <the file that path serves>",
      checks: [...CHECKS],
    },
  };
}

/** Undefined where the bytes are no manifest of a model. */
export function toManifest(bytes: Uint8Array): Manifest | undefined {
  // Models, reports and manifests lie in one store; only a manifest names a model and its dataset.
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export type Manifest = { readonly modelId: Hex; readonly [key: string]: unknown };

const isManifest = (value: unknown): value is Manifest =>
  typeof value === "object" &&
  value !== null &&
  "dataset" in value &&
  "modelId" in value &&
  typeof value.modelId === "string" &&
  /^0x[0-9a-f]{64}$/.test(value.modelId);

/** Without bytes where only the manifest is in the store. Errors: BadModelError where the bytes are no model. */
export function toModel(manifest: Manifest, bytes: Uint8Array | undefined): Static<typeof models.Model> {
  if (bytes === undefined) return { modelId: manifest.modelId, manifest, artefact: null };
  const { features, horizonsHours, linear, members, costs = [] } = readModel(bytes);
  const layers = [linear, ...members.flat()];
  return {
    modelId: manifest.modelId,
    manifest,
    artefact: {
      bytes: bytes.length,
      features: [...features],
      horizonsHours: [...horizonsHours],
      members: members.map((chain) => [chain[0]?.inputs ?? 0, ...chain.map(({ outputs }) => outputs)]),
      parameters: layers.reduce((sum, { weights, bias }) => sum + weights.length + bias.length, 0),
      costs: costs.map(({ series }) => series),
    },
  };
}

export const toRun = (run: RunSummary): Static<typeof service.Runs>["items"][number] => ({
  run: run.run,
  holds: run.holds,
  rebalances: run.rebalances,
  stages: { ...run.stages },
  from: run.from === undefined ? null : isoTime(run.from),
  to: run.to === undefined ? null : isoTime(run.to),
  meta: run.meta,
});
