import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BallastError, replaceFile } from "@ballast/data";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";

/** Each may do what those before it may. */
export const SCOPES = ["read", "submit", "admin"] as const;
export type Scope = (typeof SCOPES)[number];
export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text);
export const covers = (has: Scope, needed: Scope): boolean => SCOPES.indexOf(has) >= SCOPES.indexOf(needed);

const KeyRecord = Type.Object(
  {
    id: Type.String({ pattern: "^[0-9a-f]{16}$" }),
    name: Type.String({ pattern: "^[\\x20-\\x7e]{1,64}$" }),
    scope: Type.Enum(["read", "submit", "admin"]),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    createdAt: Type.String(),
    revokedAt: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);
const KeyFile = Type.Object(
  { format: Type.Literal("ballast-api-keys/1"), keys: Type.Array(KeyRecord) },
  { additionalProperties: false },
);
/** What is kept of a key; never the key. */
export type KeyRecord = Static<typeof KeyRecord>;

/** Finds keys in any text, for whoever must not show them. */
export const KEY_PATTERN = /ballast_[0-9a-f]{16}_[A-Za-z0-9_-]{43}/g;
const KEY = new RegExp(`^${KEY_PATTERN.source}$`);

export class KeysUnreadableError extends BallastError {
  readonly code = "KEYS_UNREADABLE";
  readonly path: string;
  constructor(path: string, reason: string) {
    super(
      `${path} is no readable file of API keys (${reason}); restore it from a copy, or move it away and create keys anew.`,
    );
    this.path = path;
  }
}
export class KeysExposedError extends BallastError {
  readonly code = "KEYS_EXPOSED";
  readonly path: string;
  constructor(path: string, mode: number) {
    super(`${path} is open to other users (mode ${mode.toString(8)}); run chmod 600 on it.`);
    this.path = path;
  }
}
export class KeysBusyError extends BallastError {
  readonly code = "KEYS_BUSY";
  readonly path: string;
  constructor(path: string) {
    super(
      `${path}.lock exists: another command changes the keys. Wait for it; where none runs, remove that file.`,
    );
    this.path = path;
  }
}
export class BadKeyNameError extends BallastError {
  readonly code = "BAD_KEY_NAME";
  constructor(name: string) {
    super(`${JSON.stringify(name)} is no name of a key; give 1 to 64 printable ASCII characters.`);
  }
}
export class NoSuchKeyError extends BallastError {
  readonly code = "NO_SUCH_KEY";
  readonly id: string;
  constructor(id: string) {
    super(`${JSON.stringify(id)} is the id of no key; \`ballast keys list\` shows those there are.`);
    this.id = id;
  }
}

/**
 * A plain SHA-256, for a key is 256 random bits: there is nothing to guess that a slow hash would protect, and a slow
 * one would let anybody burn this server's time with wrong keys.
 */
const digestOf = (key: string): Buffer => createHash("sha256").update(key).digest();

/** None where there is no file. Errors: KeysUnreadableError, KeysExposedError. */
export function readKeys(path: string): readonly KeyRecord[] {
  let text: string;
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) throw new KeysExposedError(path, mode);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof KeysExposedError) throw error;
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new KeysUnreadableError(path, code);
  }
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new KeysUnreadableError(path, "no JSON");
  }
  if (!Check(KeyFile, file)) throw new KeysUnreadableError(path, "not as written by this version");
  return file.keys;
}

/** Errors: of `readKeys` and `replaceFile`; KeysBusyError. */
async function changeKeys(path: string, change: (keys: readonly KeyRecord[]) => KeyRecord[]): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const lock = `${path}.lock`;
  try {
    writeFileSync(lock, "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new KeysBusyError(path);
    throw new KeysUnreadableError(path, (error as NodeJS.ErrnoException).code ?? "");
  }
  try {
    const file: Static<typeof KeyFile> = { format: "ballast-api-keys/1", keys: change(readKeys(path)) };
    const text = `${JSON.stringify(file, null, 2)}\n`;
    await replaceFile(path, (temporary) => writeFile(temporary, text, { mode: 0o600 }));
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The key is in the answer and nowhere else. Errors: BadKeyNameError and those of `readKeys`; KeysBusyError, DiskFullError. */
export async function createKey(
  path: string,
  { name, scope, at }: { readonly name: string; readonly scope: Scope; readonly at: string },
): Promise<{ readonly key: string; readonly record: KeyRecord }> {
  if (!Check(KeyRecord.properties.name, name)) throw new BadKeyNameError(name);
  const id = randomBytes(8).toString("hex");
  const key = `ballast_${id}_${randomBytes(32).toString("base64url")}`;
  const sha256 = digestOf(key).toString("hex");
  const record: KeyRecord = { id, name, scope, sha256, createdAt: at, revokedAt: null };
  await changeKeys(path, (keys) => [...keys, record]);
  return { key, record };
}

/** Revoking again changes nothing. Errors: NoSuchKeyError and those of `createKey`. */
export async function revokeKey(path: string, id: string, at: string): Promise<KeyRecord> {
  let revoked: KeyRecord | undefined;
  await changeKeys(path, (keys) => {
    const known = keys.find((key) => key.id === id);
    if (known === undefined) throw new NoSuchKeyError(id);
    const found = { ...known, revokedAt: known.revokedAt ?? at };
    revoked = found;
    return keys.map((key) => (key === known ? found : key));
  });
  return revoked!;
}

export type Recognition =
  | { readonly kind: "known" | "revoked"; readonly record: KeyRecord }
  | { readonly kind: "unknown" };

/** How long a change of the file may stay unnoticed. */
const STALE_MS = 1_000;
const NOBODY = Buffer.alloc(32);

/**
 * Recognises keys by their file, which it reads again when it changed, at the latest after a second: a key that was
 * revoked is out without a restart. `now` is in ms. Errors: those of `readKeys`, at once and at each use.
 */
export function openKeyring(path: string, now: () => number = Date.now): (key: string) => Recognition {
  let keys = new Map<string, KeyRecord>();
  let stamp: string | undefined;
  let checkedAt = Number.NEGATIVE_INFINITY;
  const refresh = () => {
    // A clock that is set back must not keep a revoked key alive.
    if (Math.abs(now() - checkedAt) < STALE_MS) return;
    const stat = statSync(path, { throwIfNoEntry: false });
    const found = stat === undefined ? "" : `${stat.ino} ${stat.mtimeMs} ${stat.size} ${stat.mode}`;
    if (found !== stamp) {
      keys = new Map(readKeys(path).map((record) => [record.id, record]));
      stamp = found;
    }
    checkedAt = now();
  };
  refresh();
  return (key) => {
    refresh();
    if (!KEY.test(key)) return { kind: "unknown" };
    const record = keys.get(key.slice(8, 24));
    // An unknown id costs the same comparison as a wrong secret: time tells neither from the other.
    const expected = record === undefined ? NOBODY : Buffer.from(record.sha256, "hex");
    if (!timingSafeEqual(digestOf(key), expected) || record === undefined) return { kind: "unknown" };
    return { kind: record.revokedAt === null ? "known" : "revoked", record };
  };
}
