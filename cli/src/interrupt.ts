import { BallastError } from "@ballast/data";

export class StoppedError extends BallastError {
  readonly code = "STOPPED";
  /** What the user should know of what was done so far. */
  constructor(kept: string) {
    super(`Stopped by the user; ${kept}.`);
  }
}

/**
 * Runs work that Ctrl-C ends in an orderly way, by the signal it is given; a second Ctrl-C ends the process at once.
 * Errors: StoppedError
 */
export async function interruptible<T>(kept: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(new StoppedError(kept));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  }
}
