import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BallastError, type Snapshot, snapshotBytes, snapshotFromBytes } from "@ballast/data";
import { FolderError } from "./folders.ts";

export class SnapshotUnreadableError extends BallastError {
  readonly code = "SNAPSHOT_UNREADABLE";
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super(
      `--snapshot ${path} cannot be read (${(cause as NodeJS.ErrnoException).code}); give the file of one snapshot.`,
    );
    this.path = path;
  }
}

/** Leaves the market of an executed decision for whoever verifies it, named by its root. Errors: FolderError. */
export function keepSnapshot(folder: string, snapshot: Snapshot | undefined): void {
  if (snapshot === undefined) return;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${snapshot.root}.snapshot`), snapshotBytes(snapshot));
  } catch (error) {
    throw new FolderError(folder, error as NodeJS.ErrnoException, "--journal");
  }
}

/** Errors: SnapshotUnreadableError, MalformedSnapshotError. */
export function readSnapshot(path: string): Snapshot {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SnapshotUnreadableError(path, error);
  }
  return snapshotFromBytes(bytes);
}
