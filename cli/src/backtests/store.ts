import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BacktestFile, BacktestJob, BacktestResult } from "@ballast/api";
import { openWriteLock, replaceFile } from "@ballast/data";

const ID = /^[0-9a-f]{24}$/;

/** Backtests on the disk: `<id>/job.json`, the engine's `config.json`, and what it leaves in `run`. */
export interface JobStore {
  /** Oldest first. What cannot be read is named to `onBroken` and left alone. */
  load(onBroken: (path: string) => void): BacktestJob[];
  /** Errors: DiskFullError. */
  save(job: BacktestJob): Promise<void>;
  /** Returns where the file of settings is. Errors: DiskFullError. */
  saveConfig(id: string, config: unknown): Promise<string>;
  configOf(id: string): string;
  /** Where the engine works. */
  outOf(id: string): string;
  result(id: string): BacktestResult | undefined;
  read(id: string, file: BacktestFile): string | undefined;
  /** Of one that was cancelled or failed: what the engine had done. */
  removeRun(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

export function openJobStore(folder: string): JobStore {
  const at = (id: string, ...names: string[]): string => join(folder, id, ...names);
  const write = (path: string, value: unknown): Promise<void> =>
    replaceFile(path, (temporary) => writeFile(temporary, JSON.stringify(value)));
  const readText = (path: string): string | undefined =>
    existsSync(path) ? readFileSync(path, "utf8") : undefined;

  return {
    load(onBroken) {
      if (!existsSync(folder)) return [];
      return readdirSync(folder)
        .filter((name) => ID.test(name))
        .sort()
        .flatMap((id) => {
          const path = at(id, "job.json");
          try {
            const job: BacktestJob = JSON.parse(readFileSync(path, "utf8"));
            if (job.id === id) return [job];
          } catch {
            // Said below: a folder that was begun and not finished, or meddled with.
          }
          onBroken(path);
          return [];
        });
    },
    save: (job) => write(at(job.id, "job.json"), job),
    async saveConfig(id, config) {
      await write(at(id, "config.json"), config);
      return at(id, "config.json");
    },
    configOf: (id) => at(id, "config.json"),
    outOf: (id) => at(id, "run"),
    result(id) {
      const text = readText(at(id, "run", "compare.json"));
      return text === undefined ? undefined : JSON.parse(text);
    },
    read: (id, file) =>
      readText(file === "report" ? at(id, "run", "compare.html") : at(id, "run", file.record, "record.json")),
    removeRun: (id) => rm(at(id, "run"), { recursive: true, force: true }),
    remove: (id) => rm(at(id), { recursive: true, force: true }),
  };
}

/** Keeps every other process out of the folder until it is released. Error: StoreBusyError. */
export async function holdFolder(folder: string): Promise<() => Promise<void>> {
  const lock = openWriteLock(folder, 1_000);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: held, resolve: hold, reject } = Promise.withResolvers<void>();
  const over = lock.run(() => {
    hold();
    return released;
  });
  over.catch(reject);
  await held.catch((error) => {
    lock.close();
    throw error;
  });
  return async () => {
    release();
    await over;
    lock.close();
  };
}
