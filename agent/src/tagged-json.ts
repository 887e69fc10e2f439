/**
 * JSON that survives a round trip of what JSON itself loses: bigints, NaN, the infinities and -0 become
 * `{"$bigint": "12"}` and `{"$number": "NaN"}`. A key of the data that begins with `$` gets a second one,
 * so that data cannot be mistaken for a tag. Properties that are undefined are left out.
 */
export const toTaggedJson = (value: unknown): string => JSON.stringify(value, (_key, v) => tag(v));

/** @throws SyntaxError where the text is not what `toTaggedJson` writes. */
export const fromTaggedJson = (text: string): unknown => JSON.parse(text, (_key, v) => untag(v));

function tag(value: unknown): unknown {
  if (typeof value === "bigint") return { $bigint: value.toString() };
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $number: Object.is(value, -0) ? "-0" : String(value) };
  }
  return renamed(value, "$", (key) => `$${key}`);
}

function untag(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$bigint" in value) return BigInt(value.$bigint as string);
  if ("$number" in value) return Number(value.$number);
  return renamed(value, "$$", (key) => key.slice(1));
}

function renamed(value: unknown, prefix: string, rename: (key: string) => string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (!entries.some(([key]) => key.startsWith(prefix))) return value;
  return Object.fromEntries(entries.map(([key, v]) => [key.startsWith(prefix) ? rename(key) : key, v]));
}
