import { BallastError, type Hex } from "@ballast/data";

/** Text that is no JSON, or JSON of another shape than expected. */
export class MalformedJsonError extends BallastError {
  readonly code = "MALFORMED_JSON";
  /** Where: `sig.message.time`; empty for the whole text. */
  readonly path: string;
  constructor(path: string, found: unknown, expected: string) {
    super(`${path || "the text"} is ${describe(found)}; expected ${expected}`);
    this.path = path;
  }
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}

/** Throws MalformedJsonError. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedJsonError("", text, "JSON");
  }
}

/** An object with exactly these keys, but for the optional ones. */
export function toRecord(
  value: unknown,
  path: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MalformedJsonError(path, value, `an object with ${keys.join(", ")}`);
  }
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  const missing = keys.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw new MalformedJsonError(at(missing), undefined, "a value");
  const extra = Object.keys(value).find((key) => !keys.includes(key) && !optional.includes(key));
  if (extra !== undefined)
    throw new MalformedJsonError(at(extra), "present", `nothing but ${keys.join(", ")}`);
  return value as Record<string, unknown>;
}

export function toArray(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedJsonError(path, value, "an array");
  return value;
}

/** Hexadecimal of a fixed number of bytes, or of any where `bytes` is absent; in lower case. */
export function toHex(value: unknown, path: string, bytes?: number): Hex {
  const isHex = typeof value === "string" && /^0x([0-9a-fA-F]{2})*$/.test(value);
  if (!isHex || (bytes !== undefined && value.length !== 2 + 2 * bytes)) {
    throw new MalformedJsonError(path, value, `${bytes ?? "any number of"} bytes as 0x-hexadecimal`);
  }
  return value.toLowerCase() as Hex;
}

/** A whole number, written as decimal digits in a string: JSON's own numbers lose digits beyond 2^53. */
export function toUint(value: unknown, path: string): bigint {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(value)) {
    throw new MalformedJsonError(path, value, "a whole number as a string of decimal digits");
  }
  return BigInt(value);
}

/** Exactly this value, compared as JSON. */
export function toLiteral<T>(value: unknown, path: string, expected: T): T {
  const text = JSON.stringify(expected);
  if (JSON.stringify(value) !== text) throw new MalformedJsonError(path, value, text);
  return expected;
}

export function toText(value: unknown, path: string): string {
  if (typeof value !== "string") throw new MalformedJsonError(path, value, "text");
  return value;
}

export function toBoolean(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw new MalformedJsonError(path, value, "true or false");
  return value;
}

export function toSmallUint(value: unknown, path: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new MalformedJsonError(path, value, "a whole number");
  return value as number;
}
