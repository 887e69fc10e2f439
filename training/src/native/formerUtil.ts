/** `node:util` with what Node 23 took out of it, for code written before. */
export * from "node:util";

export const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
export const isArray = (value: unknown): boolean => Array.isArray(value);
