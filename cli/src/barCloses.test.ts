import { HOUR_MS, type UnixMillis, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type BarCloseOptions, barCloses } from "./barCloses.ts";

const MINUTE = 60_000;
const T0 = Date.UTC(2024, 0, 1);

/** [minutes of the clock, hour of the bar] of the first ticks, each taking so many minutes to deal with. */
async function first(
  count: number,
  changes: Partial<BarCloseOptions> & { readonly from?: number; readonly workMinutes?: number } = {},
): Promise<(readonly [number, number])[]> {
  const { from = 0, workMinutes = 0, ...rest } = changes;
  let now = T0 + from * MINUTE;
  const options: BarCloseOptions = {
    clock: () => unixMillis(now),
    sleep: async (ms) => {
      now += ms;
      return true;
    },
    isOnce: false,
    relookMs: 0,
    maxAgeMs: 25 * MINUTE,
    ...rest,
  };
  const seen: (readonly [number, number])[] = [];
  const note = (at: UnixMillis) => [(now - T0) / MINUTE, (at - T0) / HOUR_MS] as const;
  for await (const at of barCloses(options)) {
    seen.push(note(at));
    now += workMinutes * MINUTE;
    if (seen.length === count) break;
  }
  return seen;
}

describe("barCloses", () => {
  it("default: the last hour, then each a quarter of a minute after it", async () => {
    expect(await first(3, { from: 10 })).toEqual([
      [10, 0],
      [60.25, 1],
      [120.25, 2],
    ]);
  });

  it("default: looks again while the bar is fresh, and no longer", async () => {
    const ticks = await first(12, { from: 16, relookMs: 4 * MINUTE });
    expect(ticks.slice(0, 4)).toEqual([
      [16, 0],
      [20, 0],
      [24, 0],
      [60.25, 1],
    ]);
    expect(ticks.slice(4, 10).map(([, hour]) => hour)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(ticks[9]).toEqual([84.25, 1]);
    expect(ticks[10]).toEqual([120.25, 2]);
  });

  it("behaviour: a step that takes its time delays the next look, and never repeats an hour that is past", async () => {
    expect(await first(4, { relookMs: 3 * MINUTE, workMinutes: 11 })).toEqual([
      [0, 0],
      [14, 0],
      [60.25, 1],
      [74.25, 1],
    ]);
    expect(await first(2, { relookMs: 3 * MINUTE, workMinutes: 130 })).toEqual([
      [0, 0],
      [180.25, 3],
    ]);
  });

  it("behaviour: ends once where it is to, and where sleep says so", async () => {
    expect(await first(5, { isOnce: true, relookMs: MINUTE })).toEqual([[0, 0]]);
    expect(await first(5, { sleep: async () => false })).toEqual([[0, 0]]);
  });
});
