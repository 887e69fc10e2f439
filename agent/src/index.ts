export * from "./journal.ts";
export * from "./types.ts";
