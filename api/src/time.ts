import { type UnixMillis, unixMillis } from "@ballast/data";

const MILLIS = /^\d{1,16}$/;
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
/** Largest time a Date can hold, ECMA-262 §21.4.1.1. */
const MAX_MILLIS = 8.64e15;

const parse = (text: string): number =>
  MILLIS.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : Number.NaN;

/** Whether `toTime` understands it. A local time without a zone is none: it could mean any of 38 hours. */
export const isPointInTime = (text: string): boolean => {
  const ms = parse(text);
  return Number.isFinite(ms) && Math.abs(ms) <= MAX_MILLIS;
};

/** For text that `isPointInTime` accepts. */
export const toTime = (text: string | undefined): UnixMillis | undefined =>
  text === undefined ? undefined : unixMillis(parse(text));
