export * from "./errors.ts";
export * from "./market.ts";
export * from "./snapshot.ts";
export * from "./units.ts";
