import { seededRandom } from "@ballast/data";
import { FEATURE_COUNT, FEATURE_NAMES, HORIZONS_HOURS, qlike, toForward } from "@ballast/model";
import type { Evaluated } from "../train.ts";

/** How much QLIKE grows when one feature is shuffled, as a share. */
export interface FeatureImportance {
  readonly feature: string;
  readonly mean: number;
  readonly perHorizon: readonly number[];
}

const HORIZONS = HORIZONS_HOURS.length;

/**
 * Permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019) of the last fold's network on its test block.
 * A feature's values are moved between times, all assets together, so that what is common to a time stays so. Of
 * features that say nearly the same, each counts for little.
 */
export function toImportance({ dataset, outOfSample }: Evaluated, seed: number): FeatureImportance[] {
  const assets = dataset.assets.length;
  const { testStart, testEnd } = outOfSample.folds.at(-1)!;
  const forward = toForward(outOfSample.artefacts.at(-1)!, dataset.assets);
  const rows = (testEnd - testStart) * assets;
  const from = testStart * assets;
  const features = dataset.features.slice(from * FEATURE_COUNT, (from + rows) * FEATURE_COUNT);
  const out = new Float64Array(HORIZONS);
  const losses = () => {
    const sums = new Float64Array(HORIZONS);
    for (let r = 0; r < rows; r++) {
      forward.run(features, r * FEATURE_COUNT, out, r % assets);
      for (let h = 0; h < HORIZONS; h++)
        sums[h] = sums[h]! + qlike(dataset.targets[(from + r) * HORIZONS + h]!, out[h]!) / rows;
    }
    return sums;
  };
  const base = losses();
  const random = seededRandom(seed, "permutation importance");
  const order = Int32Array.from({ length: testEnd - testStart }, (_, t) => t);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return FEATURE_NAMES.map((feature, f) => {
    const kept = Float64Array.from({ length: rows }, (_, r) => features[r * FEATURE_COUNT + f]!);
    for (let r = 0; r < rows; r++)
      features[r * FEATURE_COUNT + f] = kept[order[Math.floor(r / assets)]! * assets + (r % assets)]!;
    const shuffled = losses();
    for (let r = 0; r < rows; r++) features[r * FEATURE_COUNT + f] = kept[r]!;
    const perHorizon = Array.from(base, (loss, h) => shuffled[h]! / loss - 1);
    return { feature, mean: perHorizon.reduce((sum, share) => sum + share / HORIZONS, 0), perHorizon };
  }).sort((a, b) => b.mean - a.mean);
}
