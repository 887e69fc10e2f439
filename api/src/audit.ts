import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { BallastError, DiskFullError } from "@ballast/data";

/** One admin action. Who did it is the id of a key, never the key. */
export interface AuditLine {
  /** ISO 8601 */
  readonly at: string;
  readonly requestId: string;
  readonly action: string;
  readonly [fact: string]: string | number | null;
}

export class AuditUnwritableError extends BallastError {
  readonly code = "AUDIT_UNWRITABLE";
  readonly path: string;
  constructor(path: string, reason: string) {
    super(
      `The audit log ${path} cannot be written (${reason}); give a file in a folder that this user may write.`,
    );
    this.path = path;
  }
}

/** Appends one line of JSON to a file that only this user can read. Errors: DiskFullError, AuditUnwritableError. */
export function appendAudit(path: string, line: AuditLine): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // One write in append mode: lines of several processes never mix.
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600, flag: "a", flush: true });
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") throw new DiskFullError(path, { cause: error });
    throw new AuditUnwritableError(path, code);
  }
}
