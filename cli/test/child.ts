import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RawSeries } from "@ballast/data";
import { afterAll, expect } from "vitest";

export const BALLAST = fileURLToPath(new URL("../ballast.mjs", import.meta.url));

/** A machine without a network: whatever is not on the loopback interface goes to a proxy that nobody runs. */
const OFFLINE = {
  NODE_USE_ENV_PROXY: "1",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
};

export interface Ended {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  readonly text: Readonly<Record<"stdout" | "stderr", string>>;
  /** Waits until what it wrote matches; rejects with what it did write where it ends before. */
  until(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray>;
}

const folders: string[] = [];
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that is removed when the tests of the file are over. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ballast-test-"));
  folders.push(folder);
  return folder;
}

/** Starts `ballast …` the way a user does, in a folder of its own and without a network. */
export function start(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [BALLAST, ...args], {
    cwd,
    env: { ...process.env, ...OFFLINE, BALLAST_PASSWORD: undefined, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const text = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      for (const watch of watchers) watch();
    });
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (status, signal) => {
      running.delete(child);
      resolve({ status, signal, ...text });
    }),
  );
  const until = (name: "stdout" | "stderr", pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const watch = () => {
        const match = pattern.exec(text[name]);
        if (match === null) return;
        watchers.delete(watch);
        resolve(match);
      };
      watchers.add(watch);
      watch();
      void ended.then(() => reject(new Error(`ended without ${pattern}: ${text.stdout}${text.stderr}`)));
    });
  return { child, ended, text, until };
}

export const run = (cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> =>
  start(cwd, args, env).ended;

/** The last line of stdout, which `--json` promises to be JSON. */
export const lastJson = ({ stdout }: Pick<Ended, "stdout">) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");

/** It failed with one explained message on stderr, no stack, and no result. */
export function expectRefused({ status, stdout, stderr }: Ended, message: RegExp, expected = 1): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ +at /m);
  expect({ status, stdout }).toEqual({ status: expected, stdout: "" });
}

/** Every process below one, at any depth, by what the kernel says. */
export function descendantsOf(pid: number): number[] {
  const parents = readdirSync("/proc").flatMap((name) => {
    try {
      return /^\d+$/.test(name)
        ? [
            [
              Number(name),
              Number(readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]),
            ],
          ]
        : [];
    } catch {
      return [];
    }
  });
  const below = (of: number): number[] =>
    parents.flatMap(([child, parent]) => (parent === of ? [child!, ...below(child!)] : []));
  return below(pid);
}

const isAlive = (pid: number): boolean => {
  try {
    // A zombie that nobody has waited for is gone all the same.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Those of the processes that are still there after they have had a few seconds to end. */
export async function survivorsOf(pids: readonly number[]): Promise<number[]> {
  for (let waited = 0; waited < 5_000 && pids.some(isAlive); waited += 50) await sleep(50);
  return pids.filter(isAlive);
}

/** One asset's file, as freqtrade writes it: `[ms, open, high, low, close, volume]`. */
export function writeRows(folder: string, asset: string, rows: readonly (readonly unknown[])[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${asset}_USDT-1h.json`), JSON.stringify(rows));
}

/** A folder of such files. */
export function writeBars(folder: string, series: readonly RawSeries[]): string {
  for (const { asset, time, bars } of series) {
    const columns = [bars.open, bars.high, bars.low, bars.close, bars.volume];
    writeRows(
      folder,
      asset,
      Array.from(time, (at, i) => [at, ...columns.map((column) => column[i])]),
    );
  }
  return folder;
}
