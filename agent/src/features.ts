import type { FeatureTable } from "@ballast/attest";
import type { Hex, Snapshot } from "@ballast/data";
import {
  assetId,
  FEATURE_FRACTION_BITS,
  type FeatureRow,
  featureBytes,
  featuresProof,
  featuresRoot,
  isFeatureProof,
  MARKET_ASSET_ID,
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  marketFeatures,
  networkId,
  readNetwork,
  ScoreRangeError,
  toBreachScorer,
  toFeatureRows,
} from "@ballast/model";
import type { FeatureKit } from "./audit-links.ts";
import { weightsOf } from "./weights.ts";

const toHex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;

/** Features as the vault is given them, read back; undefined where they are of another length. */
function toRow(id: Hex, features: Hex): FeatureRow | undefined {
  const bytes = Buffer.from(features.slice(2), "hex");
  if (bytes.length !== 2 * MARKET_FEATURE_COUNT) return undefined;
  return {
    assetId: id,
    features: Int16Array.from({ length: MARKET_FEATURE_COUNT }, (_, i) => bytes.readInt16BE(2 * i)),
  };
}

/** Rows of the last snapshot that was asked about: proving, notarising and scoring ask about the same. */
let last: { readonly snapshot: Snapshot; readonly rows: readonly FeatureRow[] } | undefined;
function rowsOf(snapshot: Snapshot): readonly FeatureRow[] {
  if (last?.snapshot !== snapshot)
    last = { snapshot, rows: toFeatureRows(snapshot.assets, marketFeatures(snapshot)) };
  return last.rows;
}

/** Variances of so few bars that a quiet hour's log is noise: no less than e⁻¹ of the week's is compared. */
const OF_FEW_BARS = ["log_rv_1h", "log_rv_4h", "log_range_1h"].map((name) => MARKET_FEATURES.indexOf(name));
const WEEK = MARKET_FEATURES.indexOf("log_rv_168h");
const toLeast = (row: Int16Array): Int16Array =>
  row.map((_, k) => (OF_FEW_BARS.includes(k) ? row[WEEK]! - 2 ** FEATURE_FRACTION_BITS : -(2 ** 15)));

const indexOf = (snapshot: Snapshot, asset: string | undefined): number =>
  asset === undefined ? 0 : snapshot.assets.indexOf(asset) + 1;

/** The model's integer features and network, as notaries, the vault and whoever verifies use them. */
export const features: FeatureKit = {
  table(snapshot): FeatureTable {
    const rows = rowsOf(snapshot);
    return {
      root: featuresRoot(rows),
      names: MARKET_FEATURES,
      rows: rows.map((row, i) => ({
        asset: snapshot.assets[i - 1] ?? "",
        values: row.features,
        least: toLeast(row.features),
      })),
    };
  },
  prove(snapshot, asset) {
    const rows = rowsOf(snapshot);
    const index = indexOf(snapshot, asset);
    return {
      featuresRoot: featuresRoot(rows),
      features: toHex(featureBytes(rows[index]!.features)),
      path: featuresProof(rows, index),
    };
  },
  isProof({ featuresRoot: root, features: given, path }, asset) {
    const row = toRow(asset === undefined ? MARKET_ASSET_ID : assetId(asset), given);
    return row !== undefined && isFeatureProof(root, row, path);
  },
  scorer(bytes) {
    const scorer = toBreachScorer(readNetwork(bytes));
    return {
      modelId: networkId(bytes),
      scores(snapshot, state) {
        const rows = rowsOf(snapshot);
        const own = {
          weights: weightsOf(state),
          targets: state.holdings.map(({ targetWeight }) => targetWeight),
          bands: state.holdings.map(({ band }) => band),
        };
        return state.holdings.map(({ asset }, holding) => {
          const row = rows[indexOf(snapshot, holding === 0 ? undefined : asset)];
          if (row === undefined) return undefined;
          try {
            return scorer.score(row.features, own, holding)[state.scoreHorizon];
          } catch (error) {
            // A weight at its edge or of all has no score; the vault would refuse it too.
            if (error instanceof ScoreRangeError) return undefined;
            throw error;
          }
        });
      },
    };
  },
};
