import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BallastError } from "@ballast/data";

export class FolderError extends BallastError {
  readonly code: string;
  readonly folder: string;
  /** @param option The one that chooses the folder. */
  constructor(folder: string, cause: NodeJS.ErrnoException, option = "--out") {
    const full = cause.code === "ENOSPC";
    super(
      full
        ? `The disk of ${folder} is full. Free some space or choose another place with ${option}.`
        : `${folder} cannot be written (${cause.code ?? cause.message}). Choose another place with ${option}.`,
    );
    this.code = full ? "DISK_FULL" : "FOLDER_NOT_WRITABLE";
    this.folder = folder;
  }
}

/** Finds out before any work is done whether a folder is, or could be made, one to write to. Errors: FolderError */
export function checkWritable(folder: string, option: string): void {
  let place = resolve(folder);
  while (!existsSync(place)) place = dirname(place);
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    if (!statSync(place).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
  } catch (error) {
    throw new FolderError(folder, error as NodeJS.ErrnoException, option);
  }
}

/** Where one run of the demo leaves everything. */
export interface RunFolder {
  readonly path: string;
  readonly journal: string;
  readonly artefacts: string;
  readonly report: string;
  readonly record: string;
  /** Markets of executed decisions, one file each, by root. */
  readonly snapshots: string;
  /** The newest earlier run, where it journalled something and did not come to its end. */
  readonly unfinished: string | undefined;
}

/** A fresh, numbered folder below `root`. Creating it is atomic, so that two demos at once never share one. */
export function createRunFolder(root: string): RunFolder {
  try {
    mkdirSync(root, { recursive: true });
    const numbers = readdirSync(root).flatMap((name) =>
      /^run-\d{4,}$/.test(name) ? [Number(name.slice(4))] : [],
    );
    const newest = numbers.length > 0 ? Math.max(...numbers) : 0;
    const previous = runFolder(root, newest);
    const isUnfinished = existsSync(previous.journal) && !existsSync(previous.record);
    for (let number = newest + 1; ; number++) {
      const folder = runFolder(root, number);
      try {
        mkdirSync(folder.path);
        return { ...folder, unfinished: isUnfinished ? previous.path : undefined };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
  } catch (error) {
    throw new FolderError(root, error as NodeJS.ErrnoException);
  }
}

function runFolder(root: string, number: number) {
  const path = join(root, `run-${String(number).padStart(4, "0")}`);
  return {
    path,
    journal: join(path, "journal.sqlite"),
    artefacts: join(root, "artefacts"),
    report: join(path, "report.html"),
    record: join(path, "record.json"),
    snapshots: join(path, "snapshots"),
  };
}

/** Removes the folder of a run that failed before it left anything in it. */
export function discardIfEmpty({ path }: RunFolder): void {
  try {
    rmdirSync(path);
  } catch {
    // Something is in it: that is kept.
  }
}

/** Writes a file so that it is there whole or not at all. Errors: FolderError */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.part`;
  try {
    writeFileSync(part, text);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw new FolderError(dirname(path), error as NodeJS.ErrnoException);
  }
}

/** The folder of the newest run with a journal, for `serve` and `verify`; undefined where there is none. */
export function newestRun(root: string): ReturnType<typeof runFolder> | undefined {
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .flatMap((name) => (/^run-\d{4,}$/.test(name) ? [Number(name.slice(4))] : []))
    .sort((x, y) => y - x)
    .map((number) => runFolder(root, number))
    .find(({ journal }) => existsSync(journal));
}
