import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { Hex } from "@ballast/data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKeystore, readKeystore } from "./keystore.ts";

const key: Hex = `0x${"42".repeat(32)}`;
const password = "correct horse battery staple";
/** Cheap on purpose: the default takes a second. */
const scryptN = 1024;

let folder: string;
let path: string;
let address: Hex;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ballast-keystore-"));
  path = join(folder, "keys", "agent.json");
  address = await createKeystore(path, key, password, scryptN);
});
afterAll(() => rm(folder, { recursive: true }));

/** Everything of an error that could end in a log. */
const failure = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  const shown = inspect(error, { depth: null, showHidden: true });
  for (const secret of [key.slice(2), password, "wrong secret"]) expect(shown).not.toContain(secret);
  return error;
};

describe("createKeystore", () => {
  it("default: only its owner can read the file, and the key is not in it", async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, "utf8");
    expect(text).not.toContain(key.slice(2));
    expect(JSON.parse(text)).toMatchObject({ version: 3, address: address.slice(2).toLowerCase() });
  });

  it("error: a file that exists is never overwritten", async () => {
    const before = await readFile(path, "utf8");
    expect(await failure(createKeystore(path, `0x${"43".repeat(32)}`, password, scryptN))).toMatchObject({
      code: "KEYSTORE_EXISTS",
      path,
    });
    expect(await readFile(path, "utf8")).toBe(before);
  });

  it("error: an empty password, no key, no folder", async () => {
    const other = join(folder, "other.json");
    expect(await failure(createKeystore(other, key, "", scryptN))).toMatchObject({ code: "EMPTY_PASSWORD" });
    const short = key.slice(0, -2) as Hex;
    expect(await failure(createKeystore(other, short, password, scryptN))).toMatchObject({
      code: "INVALID_KEY",
    });
    const nowhere = join(path, "below-a-file.json");
    expect(await failure(createKeystore(nowhere, key, password, scryptN))).toMatchObject({
      code: "KEYSTORE_UNREADABLE",
    });
  });
});

describe("readKeystore", () => {
  it("default: the key comes back, without a warning", async () => {
    const unlocked = await readKeystore(path, password);
    expect(unlocked).toMatchObject({ address, warnings: [] });
    expect(unlocked.wallet.privateKey).toBe(key);
  });

  it("error: a wrong password", async () => {
    expect(await failure(readKeystore(path, "wrong secret"))).toMatchObject({ code: "WRONG_PASSWORD", path });
  });

  it("error: no such file", async () => {
    const missing = join(folder, "missing.json");
    expect(await failure(readKeystore(missing, password))).toMatchObject({
      code: "KEYSTORE_MISSING",
      path: missing,
    });
  });

  it.each([
    ["no JSON", "ballast"],
    ["JSON of another kind", '{"version":3}'],
    ["nothing", ""],
  ])("error: a file with %s", async (_, text) => {
    const bad = join(folder, "bad.json");
    await writeFile(bad, text);
    expect(await failure(readKeystore(bad, password))).toMatchObject({
      code: "KEYSTORE_UNREADABLE",
      path: bad,
    });
  });

  it("error: damaged contents, and a folder", async () => {
    const damaged = join(folder, "damaged.json");
    const json = JSON.parse(await readFile(path, "utf8"));
    json.Crypto.kdf = "unheard-of";
    await writeFile(damaged, JSON.stringify(json));
    expect(await failure(readKeystore(damaged, password))).toMatchObject({ code: "KEYSTORE_UNREADABLE" });
    expect(await failure(readKeystore(folder, password))).toMatchObject({ code: "KEYSTORE_UNREADABLE" });
  });

  it.skipIf(process.platform === "win32")(
    "behaviour: a file that others can read is opened with a warning",
    async () => {
      for (const mode of [0o640, 0o604]) {
        await chmod(path, mode);
        const { warnings } = await readKeystore(path, password);
        expect(warnings).toEqual([
          `others on this machine can read ${path} (mode ${mode.toString(8)}); run: chmod 600 ${path}`,
        ]);
      }
      await chmod(path, 0o600);
    },
  );
});
