import { randomBytes } from "node:crypto";

/** Digits of the time of an id, in hexadecimal. */
const TIME = 12;

/**
 * Ids of 24 hexadecimal digits: the time, by which they are in the order of submission, and chance.
 * @param clock ms
 */
export function openIds(clock: () => number): { next(): string; after(id: string): void } {
  let latest = 0;
  return {
    next() {
      latest = Math.max(clock(), latest + 1);
      return latest.toString(16).padStart(TIME, "0") + randomBytes(6).toString("hex");
    },
    /** The next one comes after this one, whatever the clock says. */
    after(id) {
      latest = Math.max(latest, Number.parseInt(id.slice(0, TIME), 16));
    },
  };
}
