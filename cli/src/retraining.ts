import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { BallastError, type Hex, isoTime, type UnixMillis, unixMillis } from "@ballast/data";
import { FolderError } from "./folders.ts";

/** What happened to a model, one line of the log of retraining. Plain JSON. */
export interface RetrainingEvent {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: "trained" | "promoted" | "refused" | "failed";
  readonly modelId: Hex | null;
  /** For `trained`, the end of its data (ISO 8601, UTC). */
  readonly until: string | null;
  /** In words. */
  readonly reason: string;
}

export interface Clock {
  now(): UnixMillis;
  /** Throws what stops the schedule. */
  sleep(ms: number): Promise<void>;
}

/** What a schedule calls; each of these may throw a BallastError, which costs no more than that one attempt. */
export interface RetrainingWork {
  /** One training, by the same call and configuration as one by hand. */
  train(): Promise<{ readonly modelId: Hex; readonly until: string }>;
  /** Lets a challenger that waits be judged; `waits` where the bars do not reach far enough yet. */
  promote(
    modelId: Hex,
  ): Promise<{ readonly verdict: "promoted" | "refused" | "waits"; readonly reason: string }>;
  /** Why the last trained model should be replaced before its time, if it should. */
  findDrift?: ((modelId: Hex, until: string) => Promise<string | undefined>) | undefined;
}

export interface Schedule {
  readonly everyMs: number;
  /** Between two looks for drift, and after a failure before the next attempt; at most `everyMs`. */
  readonly checkMs: number;
  readonly clock: Clock;
  readonly log: RetrainingLog;
  /** Hears of each event. */
  readonly onEvent: (event: RetrainingEvent) => void;
}

/**
 * Trains at once, where the last training is older than the period, and from then on each period or on drift,
 * until the clock's `sleep` throws. The champion serves on until a challenger is promoted: each model is judged
 * once, as soon as there are bars enough that neither has seen. An attempt that fails leaves everything as it was,
 * and the next follows after `checkMs`.
 */
export async function runSchedule(work: RetrainingWork, schedule: Schedule): Promise<never> {
  const { everyMs, clock, log, onEvent } = schedule;
  const checkMs = Math.min(everyMs, schedule.checkMs);
  const note = (
    event: RetrainingEvent["event"],
    reason: string,
    model?: { modelId: Hex; until?: string },
  ) => {
    const { modelId = null, until = null } = model ?? {};
    const happened = { at: isoTime(clock.now()), event, modelId, until, reason };
    log.append(happened);
    onEvent(happened);
  };
  /** Undefined where it failed, which is noted. */
  const attempt = async <T>(what: string, action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof BallastError) || error.code === "STOPPED") throw error;
      note("failed", `${what}: ${error.code}: ${error.message}`);
      return undefined;
    }
  };

  for (;;) {
    const last = log.read().findLast(({ event }) => event === "trained");
    const isDue = last === undefined || clock.now() >= Date.parse(last.at) + everyMs;
    const { findDrift } = work;
    const drift =
      isDue || findDrift === undefined
        ? undefined
        : await attempt("looking for drift", () => findDrift(last.modelId!, last.until!));
    if (isDue || drift !== undefined) {
      const trained = await attempt("training", () => work.train());
      if (trained !== undefined) note("trained", drift ?? "scheduled", trained);
      for (const modelId of waitingOf(log.read())) {
        const judged = await attempt("promotion", () => work.promote(modelId));
        if (judged === undefined || judged.verdict === "waits") break;
        note(judged.verdict, judged.reason, { modelId });
      }
    }
    const trainedAt = log.read().findLast(({ event }) => event === "trained")?.at;
    const untilDue = trainedAt === undefined ? 0 : Date.parse(trainedAt) + everyMs - clock.now();
    // What failed is due still; what looks for drift looks before it is due.
    const wait = untilDue <= 0 ? checkMs : findDrift === undefined ? untilDue : Math.min(untilDue, checkMs);
    await clock.sleep(wait);
  }
}

/** Trained and not judged yet, oldest first; one that was trained twice counts once. */
function waitingOf(events: readonly RetrainingEvent[]): Hex[] {
  const waiting = new Set<Hex>();
  const judged = new Set<Hex>();
  for (const { event, modelId } of events) {
    if (modelId === null) continue;
    if (event === "trained") waiting.add(modelId);
    else judged.add(modelId);
  }
  return [...waiting].filter((modelId) => !judged.has(modelId));
}

export interface RetrainingLog {
  read(): RetrainingEvent[];
  append(event: RetrainingEvent): void;
}

/** A file of one event a line; a line that a killed writer left unfinished is not read. Errors: FolderError */
export function openRetrainingLog(path: string): RetrainingLog {
  return {
    read() {
      if (!existsSync(path)) return [];
      return readFileSync(path, "utf8")
        .split("\n")
        .flatMap((line) => {
          try {
            return [JSON.parse(line) as RetrainingEvent];
          } catch {
            return [];
          }
        });
    },
    append(event) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        const isTorn = existsSync(path) && !readFileSync(path, "utf8").endsWith("\n");
        appendFileSync(path, `${isTorn ? "\n" : ""}${JSON.stringify(event)}\n`, { flush: true });
      } catch (error) {
        throw new FolderError(dirname(path), error as NodeJS.ErrnoException, "--artefacts");
      }
    },
  };
}

export const realClock = (signal: AbortSignal): Clock => ({
  now: () => unixMillis(Date.now()),
  async sleep(ms) {
    const until = Date.now() + ms;
    // A timer of the runtime is at most 2^31 − 1 ms long.
    while (Date.now() < until) await pause(Math.min(until - Date.now(), 2 ** 31 - 1), signal);
  },
});

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
