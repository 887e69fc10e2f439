import type { UnixMillis } from "@ballast/data";
import { InvalidArgumentError } from "commander";

/** Parsers of option values; each says what it found and what it takes. They load no package, so that --help is quick. */
export const toWhole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
    }
    return value;
  };

export const toList = (text: string): string[] => {
  const items = text.split(",").map((item) => item.trim().toUpperCase());
  if (items.some((item) => item === ""))
    throw new InvalidArgumentError(`"${text}" has an empty item; write BTC,ETH,SOL.`);
  const twice = items.find((item, index) => items.indexOf(item) < index);
  if (twice !== undefined) throw new InvalidArgumentError(`"${text}" names ${twice} twice.`);
  return items;
};

/** A day or an instant, ISO 8601; without a zone it is UTC. */
export const toTime = (text: string): UnixMillis => {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text);
  const ms = Date.parse(isDay || hasZone ? text : `${text}Z`);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(`"${text}" is no time; write 2022-01-01 or 2022-01-01T12:00Z.`);
  return ms as UnixMillis;
};

/** `1h`, `5m`, `1d` in ms. */
export const toInterval = (text: string): number => {
  const match = /^(\d+)([mhd])$/.exec(text);
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (!match || unit === undefined || Number(match[1]) === 0)
    throw new InvalidArgumentError(`"${text}" is no interval; write 5m, 1h or 1d.`);
  return Number(match[1]) * unit;
};

export const toUrl = (text: string): string => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError(`"${text}" is no address; write https://host.`);
  return text;
};

/** `name=folder`, added to those before. */
export const toNamed = (
  text: string,
  others: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const [, name, folder] = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})=(.+)$/.exec(text) ?? [];
  if (name === undefined || folder === undefined)
    throw new InvalidArgumentError(`"${text}" is no name and folder; write hourly=./bars.`);
  if (Object.hasOwn(others, name)) throw new InvalidArgumentError(`${name} is named twice.`);
  return { ...others, [name]: folder };
};
