import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./durable-file.ts";
import { BallastError } from "./errors.ts";
import { keccak } from "./hash.ts";
import type { Hex } from "./units.ts";
import { openWriteLock } from "./write-lock.ts";

/**
 * Bytes under the name of their content: models, manifests, reports. Each lies in
 * `artefacts/<kind>/<first two digits>/<hash>`, where the hash is the keccak256 of the bytes.
 */
export interface ArtefactStore {
  readonly folder: string;
  /** Keeps the bytes and returns their hash. The same bytes again change nothing. Errors: DiskFullError, StoreBusyError. */
  put(bytes: Uint8Array, kind?: string): Promise<Hex>;
  /** The bytes, hashed again before they are returned. Errors: ArtefactMissingError, ArtefactCorruptError. */
  get(hash: Hex): Promise<Uint8Array>;
  /** Hashes of all artefacts, or of one kind, ascending. */
  list(kind?: string): Promise<Hex[]>;
  close(): void;
}

export class ArtefactMissingError extends BallastError {
  readonly code = "ARTEFACT_MISSING";
  readonly hash: string;
  constructor(hash: string, folder: string) {
    super(`There is no artefact ${hash} in ${folder}. Check the hash, or copy or train the artefact again.`);
    this.hash = hash;
  }
}

export class ArtefactCorruptError extends BallastError {
  readonly code = "ARTEFACT_CORRUPT";
  readonly hash: Hex;
  readonly found: Hex;
  readonly path: string;
  constructor(hash: Hex, found: Hex, path: string) {
    super(
      `${path} was changed: its content hashes to ${found}, not to ${hash}. Delete it and make it again.`,
    );
    this.hash = hash;
    this.found = found;
    this.path = path;
  }
}

export class BadArtefactKindError extends BallastError {
  readonly code = "BAD_ARTEFACT_KIND";
  readonly kind: string;
  constructor(kind: string) {
    super(
      `${JSON.stringify(kind)} is no kind of artefact. Use 1 to 40 lower-case letters, digits and hyphens.`,
    );
    this.kind = kind;
  }
}

const HASH = /^0x[0-9a-f]{64}$/;
const KIND = /^[a-z0-9][a-z0-9-]{0,39}$/;
const DEFAULT_KIND = "any";

const readdirOrNone = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });

async function readOrUndefined(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** Opens, or at the first `put` creates, an artefact store and removes what a killed writer left there. */
export async function openArtefactStore(
  folder: string,
  options: { readonly lockWaitMs?: number } = {},
): Promise<ArtefactStore> {
  const root = join(folder, "artefacts");
  const lock = openWriteLock(folder, options.lockWaitMs ?? 10_000);
  await lock.removeLeftovers();

  const toPath = (kind: string, hash: string) => join(root, kind, hash.slice(2, 4), hash);

  function checkKind(kind: string): string {
    if (!KIND.test(kind)) throw new BadArtefactKindError(kind);
    return kind;
  }

  async function list(kind?: string): Promise<Hex[]> {
    const hashes = new Set<string>();
    for (const name of kind === undefined ? await readdirOrNone(root) : [checkKind(kind)])
      for (const prefix of await readdirOrNone(join(root, name)))
        for (const hash of await readdirOrNone(join(root, name, prefix)))
          if (HASH.test(hash)) hashes.add(hash);
    return [...hashes].sort() as Hex[];
  }

  return {
    folder,
    list,
    async put(bytes, kind = DEFAULT_KIND) {
      const hash = keccak(bytes);
      const path = toPath(checkKind(kind), hash);
      const kept = await readOrUndefined(path);
      if (kept && keccak(kept) === hash) return hash;
      await lock.run(() => replaceFile(path, (temporary) => writeFile(temporary, bytes)));
      return hash;
    },
    async get(hash) {
      if (!HASH.test(hash)) throw new ArtefactMissingError(hash, folder);
      for (const kind of await readdirOrNone(root)) {
        const path = toPath(kind, hash);
        const bytes = await readOrUndefined(path);
        if (!bytes) continue;
        const found = keccak(bytes);
        if (found !== hash) throw new ArtefactCorruptError(hash, found, path);
        return bytes;
      }
      throw new ArtefactMissingError(hash, folder);
    },
    close: () => lock.close(),
  };
}
