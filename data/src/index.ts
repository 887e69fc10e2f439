export * from "./errors.ts";
export * from "./market.ts";
export { BadSeedError, type Random, randomFromState, seededRandom } from "./random.ts";
export * from "./snapshot.ts";
export { BadSyntheticOptionError, type SyntheticOptions, syntheticSource } from "./sources/synthetic.ts";
export * from "./units.ts";
