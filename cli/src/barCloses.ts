import { HOUR_MS, type UnixMillis, unixMillis } from "@ballast/data";

/** Exchanges publish the last trades of a bar a few seconds after its close. */
const SETTLE_MS = 15_000;

export interface BarCloseOptions {
  readonly clock: () => UnixMillis;
  /** Sleeps so many ms; false where the agent is to stop. */
  readonly sleep: (ms: number) => Promise<boolean>;
  /** The last close alone. */
  readonly isOnce: boolean;
  /** Between two looks within a bar, ms; 0 for none. */
  readonly relookMs: number;
  /** Age of a bar up to which it is looked at again, ms. */
  readonly maxAgeMs: number;
}

/** The last full hour, then those to come, each a little after it has passed; and each again while its bar is fresh. */
export async function* barCloses(options: BarCloseOptions): AsyncGenerator<UnixMillis> {
  const { clock, sleep, isOnce, relookMs, maxAgeMs } = options;
  const lastHour = () => Math.floor(clock() / HOUR_MS) * HOUR_MS;
  let at = lastHour();
  yield unixMillis(at);
  while (!isOnce) {
    const isFresh = relookMs > 0 && clock() + relookMs <= at + maxAgeMs;
    const next = isFresh ? at : lastHour() + HOUR_MS;
    if (!(await sleep(isFresh ? relookMs : next + SETTLE_MS - clock()))) return;
    at = next;
    yield unixMillis(at);
  }
}
