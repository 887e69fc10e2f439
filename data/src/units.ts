/**
 * Units that must not be confused, as branded types. A brand exists only for the type checker:
 * at run time a `UnixMillis` is a number and a `Wad` a bigint.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type UnixMillis = Brand<number, "UnixMillis">;
/** Fixed point with 18 decimals: 1.0 is 10^18. Prices, weights and values on chain. */
export type Wad = Brand<bigint, "Wad">;
/** Hundredths of a percent: 10,000 is the whole. */
export type Bps = Brand<number, "Bps">;
/** Bytes as lower-case hexadecimal with the prefix 0x. */
export type Hex = `0x${string}`;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const unixMillis = (ms: number): UnixMillis => ms as UnixMillis;
export const bps = (value: number): Bps => value as Bps;
export const wad = (value: bigint): Wad => value as Wad;

/** ISO 8601 in UTC without fractions, for messages: 2022-10-11T00:00:00Z. */
export const isoTime = (ms: number): string =>
  Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? `${new Date(ms).toISOString().slice(0, 19)}Z` : `${ms} ms`;
