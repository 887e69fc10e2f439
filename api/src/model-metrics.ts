import { calibrate, FORECASTERS, type ForecasterName, type ModelManifest } from "@ballast/model";
import type { Static } from "typebox";
import type * as schemas from "./schemas/model-metrics.ts";

type Scored = Static<typeof schemas.ModelMetrics>["items"][number];

/** Between the 5 % and the 95 % quantile. */
const NOMINAL = 0.9;
const CURVE = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];

const figure = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const perForecaster = (values: (name: ForecasterName) => unknown) =>
  Object.fromEntries(FORECASTERS.map((name) => [name, figure(values(name))])) as Record<
    ForecasterName,
    number | null
  >;

export function toScored({ modelId, dataset, folds, metrics }: ModelManifest): Scored {
  return {
    modelId,
    trainedUntil: dataset.until,
    testedFrom: folds[0]?.testFrom ?? null,
    testedUntil: folds.at(-1)?.testUntil ?? null,
    dataset: { root: dataset.root, assets: [...dataset.assets] },
    scores: metrics.map((score) => ({
      hours: score.horizonHours,
      qlike: perForecaster((name) => score.qlike[name]),
      ratioToLogHar: perForecaster((name) => score.ratioToLogHar[name]),
      tAgainstLogHar: figure(score.tAgainstLogHar),
      tAgainstLinear: figure(score.tAgainstLinear),
      coverage90: figure(score.coverage90),
    })),
  };
}

/** Null where the manifest has none. */
export function toSpans({
  outOfSample,
  metrics,
  folds,
}: ModelManifest): Static<typeof schemas.OverTime>["spans"] {
  if (outOfSample === undefined) return null;
  return outOfSample.spans.flatMap(({ from, until, fold, rows, qlike }) =>
    metrics.map(({ horizonHours: hours }, h) => ({
      from,
      until,
      trainedUntil: folds[fold]!.trainUntil,
      hours,
      rows,
      qlike: perForecaster((name) => qlike[name][h]),
      ratioToLogHar: perForecaster((name) => qlike[name][h]! / qlike.logHar[h]!),
    })),
  );
}

function toObservedBreaches({ outOfSample }: ModelManifest) {
  if (outOfSample === undefined) return null;
  const { horizonHours, from, until, raw, recalibrated } = outOfSample.breach;
  return { hours: horizonHours, from, until, raw: [...raw], recalibrated: [...recalibrated] };
}

export function toReliability(manifest: ModelManifest): Static<typeof schemas.Reliability> {
  const { modelId, calibration, metrics, costs, breachNetwork, outOfSample } = manifest;
  const { a, b, predictions, frequency, brierSkillRaw, brierSkillCalibrated } = calibration;
  return {
    modelId,
    breach: {
      a,
      b,
      predictions,
      frequency: figure(frequency),
      brierSkillRaw: figure(brierSkillRaw),
      brierSkillCalibrated: figure(brierSkillCalibrated),
      curve: CURVE.map((predicted) => ({
        predicted,
        expected: calibrate(predicted, { a, b }),
      })),
      observed: toObservedBreaches(manifest),
    },
    variance: metrics.map(({ horizonHours, coverage90 }) => ({
      hours: horizonHours,
      nominal: NOMINAL,
      observed: figure(coverage90),
    })),
    quantiles:
      outOfSample?.quantiles.map(({ horizonHours: hours, rows, levels, observed }) => ({
        hours,
        rows,
        levels: levels.map((nominal, i) => ({ nominal, observed: observed[i]! })),
      })) ?? null,
    costs: (costs?.served ?? []).flatMap(({ series, scores }) =>
      scores.flatMap(({ horizonHours, coverage90 }) =>
        (["last", "mean", "lowest"] as const).map((target) => ({
          series,
          hours: horizonHours,
          target,
          nominal: NOMINAL,
          observed: figure(coverage90[target]),
        })),
      ),
    ),
    breachNetwork: (breachNetwork?.breach ?? []).map(({ horizonHours, ...skill }) => ({
      band: skill.band,
      hours: horizonHours,
      predictions: skill.predictions,
      frequency: figure(skill.frequency),
      auc: figure(skill.auc),
      brierSkill: figure(skill.brierSkill),
    })),
  };
}

export function toComparison(
  first: ModelManifest,
  second: ModelManifest,
): Static<typeof schemas.ModelComparison> {
  const [a, b] = [toScored(first), toScored(second)];
  const keys = [
    ...new Set([...Object.keys(first.configuration), ...Object.keys(second.configuration)]),
  ].sort();
  return {
    a,
    b,
    isSameData: first.dataset.root === second.dataset.root,
    horizons: a.scores.flatMap((own) => {
      const other = b.scores.find(({ hours }) => hours === own.hours);
      if (other === undefined) return [];
      const ratio = { a: own.ratioToLogHar.network, b: other.ratioToLogHar.network };
      const isDecided = ratio.a !== null && ratio.b !== null && ratio.a !== ratio.b;
      return [
        {
          hours: own.hours,
          ratioToLogHar: ratio,
          qlike: { a: own.qlike.network, b: other.qlike.network },
          better: isDecided ? (ratio.a! < ratio.b! ? ("a" as const) : ("b" as const)) : null,
        },
      ];
    }),
    overTime: { a: toSpans(first), b: toSpans(second) },
    breach: { a: toObservedBreaches(first), b: toObservedBreaches(second) },
    configuration: keys.flatMap((key) => {
      const [mine = null, others = null] = [first.configuration[key], second.configuration[key]];
      return JSON.stringify(mine) === JSON.stringify(others) ? [] : [{ key, a: mine, b: others }];
    }),
  };
}
