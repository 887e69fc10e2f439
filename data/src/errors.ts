/**
 * Every failure a user can cause or cure is one subclass of this, in the file that throws it, with the
 * offending values as fields. The message names the value and then the remedy; it never holds a secret.
 */
export abstract class BallastError extends Error {
  /** Stable, upper-case, e.g. `EMPTY_FOLDER`: for logs, exit tables and HTTP problem codes. */
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}
