export * from "./errors.ts";
export {
  canonicalJson,
  isMerkleProof,
  keccak,
  merkleProof,
  merkleRoot,
  NotCanonicalError,
} from "./hash.ts";
export * from "./market.ts";
export { NotEnoughHistoryError, UnknownSeriesError } from "./past.ts";
export * from "./quality.ts";
export { BadSeedError, type Random, randomFromState, seededRandom } from "./random.ts";
export {
  BadValueError,
  ConflictingDuplicatesError,
  CrossedBarsError,
  FutureBarError,
  StaleSeriesError,
} from "./series.ts";
export {
  MalformedSnapshotError,
  type Snapshot,
  type SnapshotContent,
  snapshotBytes,
  snapshotFromBytes,
  snapshotRoot,
} from "./snapshot.ts";
export { BadSyntheticOptionError, type SyntheticOptions, syntheticSource } from "./sources/synthetic.ts";
export { ShiftedAssetError } from "./timezone.ts";
export * from "./units.ts";
