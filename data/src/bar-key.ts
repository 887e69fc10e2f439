import { join } from "node:path";
import { BallastError } from "./errors.ts";
import { DAY_MS, HOUR_MS } from "./units.ts";

/** Which series: `{ exchange: "binance", quote: "USDT", asset: "BTC", intervalMs: 3_600_000 }`. */
export interface BarKey {
  /** Lower-case letters, digits and underscores, as ccxt names exchanges. */
  readonly exchange: string;
  /** Upper-case letters, digits and hyphens. */
  readonly quote: string;
  /** Upper-case letters, digits and hyphens. */
  readonly asset: string;
  /** Whole seconds. */
  readonly intervalMs: number;
}

export class BadBarKeyError extends BallastError {
  readonly code = "BAD_BAR_KEY";
  readonly field: string;
  readonly value: unknown;
  constructor(field: string, value: unknown, allowed: string) {
    super(`${field} = ${JSON.stringify(value)} cannot name bars in a store. Use ${allowed}.`);
    this.field = field;
    this.value = value;
  }
}

const UNITS: readonly (readonly [letter: string, ms: number])[] = [
  ["d", DAY_MS],
  ["h", HOUR_MS],
  ["m", 60_000],
  ["s", 1_000],
];

/** `1h`, `5m`, `1d`: the interval in its largest whole unit. Error: BadBarKeyError unless whole seconds. */
export function intervalLabel(intervalMs: number): string {
  const unit = UNITS.find(([, ms]) => intervalMs % ms === 0);
  if (!unit || !Number.isSafeInteger(intervalMs) || intervalMs <= 0)
    throw new BadBarKeyError(
      "intervalMs",
      intervalMs,
      "a whole number of seconds in ms, for example 3600000",
    );
  return `${intervalMs / unit[1]}${unit[0]}`;
}

/** The reverse of `intervalLabel`; also weeks, `1w`. Error: BadBarKeyError. */
export function parseInterval(label: string): number {
  const [, count, letter] = /^([1-9]\d{0,5})([smhdw])$/.exec(label) ?? [];
  const unit = letter === "w" ? 7 * DAY_MS : UNITS.find(([name]) => name === letter)?.[1];
  if (unit === undefined)
    throw new BadBarKeyError("interval", label, "a count and a unit, for example 5m, 1h or 1d");
  return Number(count) * unit;
}

const NAMES = {
  exchange: { pattern: /^[a-z0-9_]{1,40}$/, allowed: "1 to 40 lower-case letters, digits and underscores" },
  quote: { pattern: /^[A-Z0-9][A-Z0-9-]{0,29}$/, allowed: "1 to 30 upper-case letters, digits and hyphens" },
  asset: { pattern: /^[A-Z0-9][A-Z0-9-]{0,29}$/, allowed: "1 to 30 upper-case letters, digits and hyphens" },
};

/** The value, if it is fit to be a part of a path. Error: BadBarKeyError. */
export function checkName(field: keyof typeof NAMES, value: string): string {
  if (typeof value !== "string" || !NAMES[field].pattern.test(value))
    throw new BadBarKeyError(field, value, NAMES[field].allowed);
  return value;
}

/** Where the bars of a key lie in a store. Error: BadBarKeyError. */
export function toPath({ exchange, quote, asset, intervalMs }: BarKey): string {
  return join(
    `exchange=${checkName("exchange", exchange)}`,
    `quote=${checkName("quote", quote)}`,
    `asset=${checkName("asset", asset)}`,
    `interval=${intervalLabel(intervalMs)}`,
  );
}

/** The key of a path that `toPath` made; nothing for any other. */
export function toKey(path: string): BarKey | undefined {
  const match = /^exchange=([^/]+)\/quote=([^/]+)\/asset=([^/]+)\/interval=([^/]+)$/.exec(
    path.replaceAll("\\", "/"),
  );
  if (!match) return undefined;
  const [, exchange, quote, asset, interval] = match as unknown as [string, string, string, string, string];
  return { exchange, quote, asset, intervalMs: parseInterval(interval) };
}
