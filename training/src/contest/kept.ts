import { createHash, type Hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "@ballast/data";
import { OBJECTIVES } from "../backtest/contest.ts";
import type { ScoreLedger, Window } from "../backtest/protocol.ts";
import { type ContestPlan, type Ground, toContestOptions } from "./plan.ts";
import type { Tuning } from "./tuning.ts";

/** Settings found before, by window and family, for the same data, options and code. */
export interface Kept {
  readonly identity: string;
  /** Undefined where there is none, or what there is cannot be read. */
  read(window: Window, family: string): Tuning | undefined;
  write(window: Window, family: string, tuning: Tuning): void;
}

const FORMAT = "ballast-tuned/1";
const CODE = ["../backtest/", "./"];

/** Settings in a folder, one file each, that is there whole or not at all. */
export function openKept(folder: string, ground: Ground, plan: ContestPlan): Kept {
  mkdirSync(folder, { recursive: true });
  const identity = identityOf(ground, plan);
  const fileOf = ({ from, to }: Window, family: string) => {
    const key = createHash("sha256").update(canonicalJson({ identity, from, to, family })).digest("hex");
    return join(folder, `${family}-${key.slice(0, 32)}.json`);
  };
  return {
    identity,
    read(window, family) {
      try {
        const tuning = JSON.parse(readFileSync(fileOf(window, family), "utf8"));
        const isTuning =
          Number.isInteger(tuning.trials) &&
          OBJECTIVES.every((objective) =>
            [tuning.tuned[objective].shape, tuning.tuned[objective].widths].every(Array.isArray),
          );
        return isTuning ? tuning : undefined;
      } catch {
        // What cannot be read is found anew and written over.
        return undefined;
      }
    },
    write: (window, family, tuning) => writeWhole(fileOf(window, family), JSON.stringify(tuning)),
  };
}

/** Changes with any column, weight or option that tuning sees, and with the code of the simulator and the families. */
function identityOf(ground: Ground, plan: ContestPlan): string {
  const hash = createHash("sha256").update(FORMAT);
  for (const folder of CODE.map((path) => fileURLToPath(new URL(path, import.meta.url)))) {
    const names = readdirSync(folder).filter((name) => /(?<!\.test|\.fixture)\.ts$/.test(name));
    for (const name of names.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  const { shapes, widths, anchors, blockBars, starts } = toContestOptions(ground, plan);
  hash.update(canonicalJson({ shapes, widths, anchors, blockBars, starts, earlier: plan.earlier }));
  addTo(hash, "ground", ground);
  return hash.digest("hex");
}

function addTo(hash: Hash, name: string, value: unknown): void {
  hash.update(`${name}:`);
  if (value instanceof Float64Array)
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  else if (value instanceof Map) for (const [key, part] of value) addTo(hash, String(key), part);
  else if (typeof value === "object" && value !== null)
    for (const [key, part] of Object.entries(value)) addTo(hash, key, part);
  else hash.update(`${typeof value} ${value};`);
}

/**
 * A ledger by which a run that was stopped while it scored, and goes on, counts each window once: what it has counted
 * stands in `file` until `finish`. A run after that is another, and counts again.
 */
export function openResumedLedger(
  ledger: ScoreLedger,
  file: string,
  { identity }: Kept,
): ScoreLedger & { finish(): void } {
  const counted = new Map<string, number>(existsSync(file) ? readCounted(file) : []);
  return {
    count(data, window) {
      const key = canonicalJson([identity, data, window.from, window.to]);
      const before = counted.get(key);
      if (before !== undefined) return before;
      // In this order a run that dies in between counts once too often, never too seldom.
      const times = ledger.count(data, window);
      counted.set(key, times);
      writeWhole(file, JSON.stringify([...counted]));
      return times;
    },
    finish: () => rmSync(file, { force: true }),
  };
}

function readCounted(file: string): [string, number][] {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return [];
  }
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}
