import { resolve } from "node:path";
import type { BacktestJob, BacktestRequest } from "@ballast/api";
import { type Ending, startEngine } from "./engine.ts";
import type { BacktestLimits } from "./limits.ts";

export interface CourseOptions {
  readonly job: Pick<BacktestJob, "id" | "request" | "progress">;
  /** File of settings that the engine runs. */
  readonly config: string;
  readonly limits: Pick<BacktestLimits, "memoryMb" | "mostSeconds">;
  /** What a place on this machine is called where a client may read it, by the place. */
  readonly names: Readonly<Record<string, string>>;
  readonly onProgress: (progress: BacktestJob["progress"]) => void;
  readonly log: (line: string) => void;
}

/** `queued` where it was stopped because its process is closing: the same file of settings goes on later. */
export type CourseEnd = Pick<BacktestJob, "state" | "error">;

export interface Course {
  readonly ended: Promise<CourseEnd>;
  /** Ends it with a checkpoint, and then by force. Returns once it is gone. */
  stop(cause: "cancelled" | "closing"): Promise<void>;
}

/** Labels of a request's policies, in their order. */
export const labelsOf = ({ request }: Pick<BacktestJob, "request">): string[] => {
  const { policies = [{ name: "threshold" }] } = request as BacktestRequest;
  return policies.map(({ name, label = name }) => label);
};

/** Runs one backtest, within its time, and says how it ended in words that a client may read. */
export function startCourse({ job, config, limits, names, onProgress, log }: CourseOptions): Course {
  const labels = labelsOf(job);
  let progress = job.progress;
  let cause: "cancelled" | "closing" | "late" | undefined;
  const engine = startEngine(config, limits.memoryMb, ({ step, done, total }) => {
    if (cause !== undefined) return;
    const before = labels.indexOf(step);
    progress =
      before < 0
        ? { ...progress, step }
        : { step, done: before * total + done, total: labels.length * total };
    onProgress(progress);
  });
  const stop = (why: typeof cause): Promise<void> => {
    cause ??= why;
    return engine.stop();
  };
  const timer = setTimeout(() => void stop("late"), limits.mostSeconds * 1000);

  const toEnd = (ending: Ending): CourseEnd => {
    if (ending.kind === "done") return { state: "done", error: null };
    if (cause === "cancelled") return { state: "cancelled", error: null };
    if (cause === "closing") return { state: "queued", error: null };
    const failed = (code: string, detail: string) => ({ state: "failed" as const, error: { code, detail } });
    if (cause === "late")
      return failed(
        "BACKTEST_TOO_SLOW",
        `It took longer than ${limits.mostSeconds} s. Take a shorter period, fewer assets or fewer policies.`,
      );
    if (ending.kind === "failed") return failed(ending.code, withoutPlaces(ending.detail, names));
    log(`backtest ${job.id} ended without a word: ${ending.stderr}`);
    return failed("BACKTEST_DIED", "Its process ended without a word; the server's log has what it left.");
  };

  return {
    ended: engine.ended.then((ending) => {
      clearTimeout(timer);
      return toEnd(ending);
    }),
    stop,
  };
}

/** Where things are on the server is nobody's business. */
export const withoutPlaces = (text: string, names: Readonly<Record<string, string>>): string =>
  Object.entries(names)
    .map(([place, name]) => [resolve(place), name] as const)
    .sort(([a], [b]) => b.length - a.length)
    .reduce((rest, [place, name]) => rest.replaceAll(place, name), text);
