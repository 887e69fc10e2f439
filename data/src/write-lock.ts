import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { findLeftovers } from "./durable-file.ts";
import { BallastError } from "./errors.ts";

export class StoreBusyError extends BallastError {
  readonly code = "STORE_BUSY";
  readonly folder: string;
  readonly waitedMs: number;
  constructor(folder: string, waitedMs: number, owner: string) {
    super(
      `Another process (${owner}) has been writing to ${folder} for more than ${waitedMs} ms. ` +
        `Wait until it is done, stop it, or use another folder.`,
    );
    this.folder = folder;
    this.waitedMs = waitedMs;
  }
}

export interface WriteLock {
  /** Runs the task while no other process, and no other task of this one, writes. Error: StoreBusyError. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Removes what a killed writer left, unless somebody is writing right now. */
  removeLeftovers(): Promise<void>;
  close(): void;
}

const SQLITE_BUSY = 5;
const POLL_MS = 20;

/**
 * One writer at a time in a folder. The lock is SQLite's on an empty database, that is, the operating system's:
 * it ends with the process that holds it, however that ends, so it is never stale and needs no owner's id to be checked.
 */
export function openWriteLock(folder: string, waitMs: number): WriteLock {
  let database: DatabaseSync | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const ownerFile = join(folder, ".owner");

  function isLocked(): boolean {
    if (!database) {
      mkdirSync(folder, { recursive: true });
      database = new DatabaseSync(join(folder, ".lock"), { timeout: 0 });
    }
    try {
      // Without a journal file the lock writes nothing: it works on a full disk, and leaves nothing when killed.
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      return true;
    } catch (error) {
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
      throw error;
    }
  }

  function owner(): string {
    try {
      return readFileSync(ownerFile, "utf8");
    } catch {
      return "unknown";
    }
  }

  async function whileLocked<T>(task: () => Promise<T>): Promise<T> {
    try {
      try {
        writeFileSync(ownerFile, `pid ${process.pid}`);
      } catch {
        // The owner's name only serves a message; a full disk shows itself in the task.
      }
      return await task();
    } finally {
      database!.exec("ROLLBACK");
    }
  }

  async function waitAndRun<T>(task: () => Promise<T>): Promise<T> {
    for (let waited = 0; !isLocked(); waited += POLL_MS) {
      if (waited >= waitMs) throw new StoreBusyError(folder, waitMs, owner());
      await sleep(POLL_MS);
    }
    return whileLocked(task);
  }

  return {
    run(task) {
      const result = queue.then(() => waitAndRun(task));
      queue = result.catch(() => undefined);
      return result;
    },
    async removeLeftovers() {
      if ((await findLeftovers(folder)).length === 0 || !isLocked()) return;
      await whileLocked(async () => {
        for (const path of await findLeftovers(folder)) await rm(path, { force: true });
      });
    },
    close() {
      database?.close();
      database = undefined;
    },
  };
}
