import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { covers, createKey, openKeyring, readKeys, revokeKey, SCOPES } from "./keys.ts";

const AT = "2022-08-09T00:00:00Z";
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keys-"));
  path = join(folder, "deep", "keys.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("default: a key is recognised, and its file holds a hash of it that only this user may read", async () => {
  const { key, record } = await createKey(path, { name: "lab", scope: "submit", at: AT });
  expect(key).toMatch(/^ballast_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const secret = key.slice(25);
  expect(readFileSync(path, "utf8")).not.toContain(secret);
  expect(readFileSync(path, "utf8")).not.toContain(Buffer.from(secret, "base64url").toString("hex"));
  expect(openKeyring(path)(key)).toEqual({ kind: "known", record });
  expect(record).toMatchObject({ name: "lab", scope: "submit", createdAt: AT, revokedAt: null });
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test("behaviour: each key is another, and none is lost by a later one", async () => {
  const made = [];
  for (const scope of SCOPES) made.push(await createKey(path, { name: scope, scope, at: AT }));
  const recognise = openKeyring(path);
  expect(made.map(({ key }) => recognise(key).kind)).toEqual(["known", "known", "known"]);
  expect(new Set(made.map(({ key }) => key.slice(25))).size).toBe(3);
  expect(readKeys(path).map(({ scope }) => scope)).toEqual(["read", "submit", "admin"]);
});

test("behaviour: a revoked key is out within a second, for good, and others stay", async () => {
  const { key, record } = await createKey(path, { name: "a", scope: "admin", at: AT });
  const other = await createKey(path, { name: "b", scope: "read", at: AT });
  let now = 0;
  const recognise = openKeyring(path, () => now);
  expect(recognise(key).kind).toBe("known");
  await revokeKey(path, record.id, "2022-08-10T00:00:00Z");
  await revokeKey(path, record.id, "2022-08-11T00:00:00Z");
  now = 1_000;
  expect(recognise(key)).toMatchObject({ kind: "revoked", record: { revokedAt: "2022-08-10T00:00:00Z" } });
  expect(recognise(other.key).kind).toBe("known");
  rmSync(path);
  now = 2_000;
  expect(recognise(other.key).kind).toBe("unknown");
});

test("behaviour: a clock that is set back keeps no revoked key alive", async () => {
  const { key, record } = await createKey(path, { name: "a", scope: "read", at: AT });
  let now = 3_600_000;
  const recognise = openKeyring(path, () => now);
  await revokeKey(path, record.id, AT);
  now = 1_000;
  expect(recognise(key).kind).toBe("revoked");
});

test("behaviour: nothing but the whole key is it", async () => {
  const { key } = await createKey(path, { name: "a", scope: "read", at: AT });
  const recognise = openKeyring(path);
  fc.assert(
    fc.property(fc.nat(key.length - 1), fc.constantFrom(..."0aZ_-\0é "), (at, char) => {
      const forged = key.slice(0, at) + char + key.slice(at + 1);
      // The text is hashed, not the bytes it stands for: another spelling of the same bytes is no key.
      expect(recognise(forged).kind).toBe(forged === key ? "known" : "unknown");
      expect(recognise(key.slice(0, at)).kind).toBe("unknown");
    }),
    { seed: 5, numRuns: 200 },
  );
  for (const text of ["", "__proto__", `${key} `, `${key}\n`, key.toUpperCase(), "x".repeat(100_000)])
    expect(recognise(text).kind).toBe("unknown");
});

test("default: a scope covers those before it", () => {
  const table = SCOPES.map((has) => SCOPES.filter((needed) => covers(has, needed)));
  expect(table).toEqual([["read"], ["read", "submit"], ["read", "submit", "admin"]]);
});

test("error: a file that others may read, that is no file of keys, or that another command changes", async () => {
  await createKey(path, { name: "a", scope: "read", at: AT });
  chmodSync(path, 0o640);
  expect(() => readKeys(path)).toThrow(/mode 640\); run chmod 600/);
  chmodSync(path, 0o600);
  for (const text of ["", "{}", "[]", '{"format":"ballast-api-keys/2","keys":[]}']) {
    writeFileSync(path, text);
    expect(() => openKeyring(path)).toThrow(expect.objectContaining({ code: "KEYS_UNREADABLE", path }));
  }
  writeFileSync(`${path}.lock`, "");
  await expect(createKey(path, { name: "a", scope: "read", at: AT })).rejects.toMatchObject({
    code: "KEYS_BUSY",
  });
});

test("error: a name that would spoil a line, and an id of no key", async () => {
  for (const name of ["", "a\nb", "x".repeat(65), "ключ"])
    await expect(createKey(path, { name, scope: "read", at: AT })).rejects.toMatchObject({
      code: "BAD_KEY_NAME",
    });
  await expect(revokeKey(path, "0000000000000000", AT)).rejects.toMatchObject({ code: "NO_SUCH_KEY" });
  expect(readKeys(path)).toEqual([]);
});
