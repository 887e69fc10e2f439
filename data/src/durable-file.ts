import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BallastError } from "./errors.ts";

export class DiskFullError extends BallastError {
  readonly code = "DISK_FULL";
  readonly path: string;
  constructor(path: string, options?: ErrorOptions) {
    super(
      `There is no space left to write ${path}. Nothing of it was kept. Free some space and run again.`,
      options,
    );
    this.path = path;
  }
}

const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException)?.code ?? "") ||
  // Native writers report the operating system's text alone.
  /no space left on device|disk quota exceeded/i.test(String((error as Error)?.message));

const TEMPORARY = /^\..+\.\d+-\d+\.tmp$/;
let written = 0;

/** Forces a file's bytes, or a folder's entries, to the disk. */
async function sync(path: string, flags: "r" | "r+"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder and makes the entries of all folders it had to create durable. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = folder; at !== dirname(first); at = dirname(at)) await sync(dirname(at), "r");
}

/**
 * Writes a file so that, whatever happens meanwhile, its name leads to the whole old or the whole new
 * content: `write` fills a temporary file in the same folder, which is synced and renamed. When the promise
 * resolves the new content survives a crash of the machine.
 * Errors: DiskFullError; whatever `write` throws. The temporary file is gone then, the old content stays.
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${written++}.tmp`);
  try {
    await makeFolder(folder);
    await write(temporary);
    await sync(temporary, "r+");
    await rename(temporary, path);
    await sync(folder, "r");
  } catch (error) {
    await rm(temporary, { force: true });
    throw isDiskFull(error) ? new DiskFullError(path, { cause: error }) : error;
  }
}

/** Temporary files that a killed `replaceFile` left anywhere below a folder; none where the folder is missing. */
export async function findLeftovers(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries.filter((e) => e.isFile() && TEMPORARY.test(e.name)).map((e) => join(e.parentPath, e.name));
}
