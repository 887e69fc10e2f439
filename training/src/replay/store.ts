import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BallastError, canonicalJson, type Hex, keccak, replaceFile } from "@ballast/data";
import type { BacktestTrade } from "./record.ts";

/** The bars since the checkpoint before, as a part of the record's columns. */
export interface Chunk {
  readonly at: readonly number[];
  readonly value: readonly number[];
  readonly mix: readonly number[];
  /** [bar][asset] */
  readonly weights: readonly (readonly number[])[];
  readonly prices: readonly (readonly number[])[];
  readonly gasGwei: readonly number[];
  readonly breachProbability: readonly (number | null)[];
  readonly decisionHashes: readonly Hex[];
  readonly trades: readonly BacktestTrade[];
}

/** All that a run needs to go on after `bars` bars. Plain JSON: amounts are decimal strings. */
export interface Checkpoint {
  readonly bars: number;
  /** Bars at the end of each chunk. */
  readonly chunks: readonly number[];
  readonly books: {
    readonly sequence: string;
    readonly lastRebalanceAt: number;
    readonly balances: readonly string[];
  };
  readonly mix: number;
  /** What the policy had become. */
  readonly policy: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> };
  readonly lastPrices: readonly number[];
  readonly pending: PendingState | null;
  readonly models: readonly { readonly from: number; readonly modelId: Hex; readonly trainedUntil: number }[];
  /** When the last fit was tried. */
  readonly triedAt: number | null;
  readonly notes: readonly (readonly [
    string,
    { readonly count: number; readonly first: number; readonly last: number },
  ])[];
}

export interface PendingState {
  readonly dueBar: number;
  readonly decidedAt: number;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly decisionHash: Hex;
  readonly prices: readonly number[];
  readonly orders: readonly {
    readonly holding: number;
    readonly isSell: boolean;
    readonly amountIn: string;
  }[];
}

export class RunChangedError extends BallastError {
  readonly code = "RUN_CHANGED";
  readonly folder: string;
  readonly changed: readonly string[];
  constructor(folder: string, changed: readonly string[]) {
    super(
      `${folder} belongs to a backtest with another ${changed.join(", ")}. ` +
        "Choose another folder with --out, or give the settings it was begun with.",
    );
    this.folder = folder;
    this.changed = changed;
  }
}

export class RunCorruptError extends BallastError {
  readonly code = "RUN_CORRUPT";
  readonly path: string;
  constructor(path: string, why: string) {
    super(`${path} cannot be gone on from: ${why}. Remove the run's folder, or choose another with --out.`);
    this.path = path;
  }
}

/** Where a run leaves its chunks and checkpoints. What `save` returned from survives a crash. */
export interface RunStore {
  readonly folder: string;
  /** Undefined for a run that has not begun. Throws RunCorruptError. */
  load(): Promise<Checkpoint | undefined>;
  /** The chunk first, then the checkpoint that counts it. */
  save(chunk: Chunk, checkpoint: Checkpoint): Promise<void>;
  /** Throws RunCorruptError. */
  readChunk(bars: number): Promise<Chunk>;
}

/**
 * A run's folder. `identity` is all that two runs must share for one to go on where the other stopped. Throws
 * RunChangedError with the names that differ, RunCorruptError.
 */
export async function openRunStore(
  folder: string,
  identity: Readonly<Record<string, unknown>>,
): Promise<RunStore> {
  const at = (name: string) => join(folder, name);
  const write = (name: string, value: unknown) =>
    replaceFile(at(name), (temporary) => writeFile(temporary, JSON.stringify(value)));
  const fields = Object.fromEntries(
    Object.entries(identity).map(([name, value]) => [name, canonicalJson(value)]),
  );
  const load = () => readJson<Checkpoint>(at("checkpoint.json"));
  const begun = await readJson<Record<string, string>>(at("identity.json"));
  const names = new Set([...Object.keys(begun ?? {}), ...Object.keys(fields)]);
  const changed = [...names].filter((name) => begun?.[name] !== fields[name]);
  if (changed.length > 0) {
    // Without a checkpoint nothing was begun that could be mixed up.
    if ((await load()) !== undefined) throw new RunChangedError(folder, changed);
    await write("identity.json", fields);
  }
  return {
    folder,
    load,
    async save(chunk, checkpoint) {
      if (chunk.at.length > 0) await write(chunkName(checkpoint.bars), chunk);
      await write("checkpoint.json", checkpoint);
    },
    async readChunk(bars) {
      const chunk = await readJson<Chunk>(at(chunkName(bars)));
      if (chunk === undefined) throw new RunCorruptError(at(chunkName(bars)), "it is not there");
      return chunk;
    },
  };
}

const chunkName = (bars: number): string => `bars-${String(bars).padStart(8, "0")}.json`;

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new RunCorruptError(path, `it cannot be read (${code})`);
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new RunCorruptError(path, "it is no JSON");
  }
}

/** Models fitted on the way, shared by the policies of one market: each is fitted once. */
export interface ModelCache {
  read(until: number): Promise<Uint8Array | undefined>;
  write(until: number, bytes: Uint8Array): Promise<void>;
}

/** Models of another market or of another fit than `identity` names are never found here. Throws RunCorruptError. */
export async function openModelCache(
  folder: string,
  identity: Readonly<Record<string, unknown>>,
): Promise<ModelCache> {
  const key = keccak(new TextEncoder().encode(canonicalJson(identity))).slice(2, 18);
  const at = (until: number) => join(folder, key, `${until}.json`);
  return {
    async read(until) {
      try {
        return await readFile(at(until));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT") return undefined;
        throw new RunCorruptError(at(until), `it cannot be read (${code})`);
      }
    },
    write: (until, bytes) => replaceFile(at(until), (temporary) => writeFile(temporary, bytes)),
  };
}
