import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  ArtefactCorruptError,
  ArtefactMissingError,
  BadArtefactKindError,
  openArtefactStore,
} from "./artefacts.ts";
import { seededRandom } from "./random.ts";
import type { Hex } from "./units.ts";

const base = mkdtempSync(join(tmpdir(), "ballast-artefacts-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(base, String(folders++));
const bytesOf = (text: string) => new TextEncoder().encode(text);
// keccak256 of no bytes and of "hello", as in the Ethereum yellow paper's and ethers' documentation.
const EMPTY = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
const HELLO = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8";
const pathOf = (folder: string, hash: string, kind = "any") =>
  join(folder, "artefacts", kind, hash.slice(2, 4), hash);

test("default: bytes are found under their keccak256, by kind", async () => {
  const folder = newFolder();
  const store = await openArtefactStore(folder);
  expect(await store.list()).toEqual([]);
  expect(await store.put(new Uint8Array(0))).toBe(EMPTY);
  expect(await store.put(bytesOf("hello"), "model")).toBe(HELLO);
  expect(new Uint8Array(await store.get(EMPTY))).toEqual(new Uint8Array(0));
  expect(new TextDecoder().decode(await store.get(HELLO))).toBe("hello");
  expect(await store.list()).toEqual([HELLO, EMPTY]);
  expect(await store.list("model")).toEqual([HELLO]);
  expect(await store.list("report")).toEqual([]);
  store.close();
  const again = await openArtefactStore(folder);
  expect(await again.list()).toEqual([HELLO, EMPTY]);
  again.close();
});

test("behaviour: the same bytes again leave the file alone", async () => {
  const folder = newFolder();
  const store = await openArtefactStore(folder);
  await store.put(bytesOf("hello"));
  const before = statSync(pathOf(folder, HELLO), { bigint: true });
  expect(await store.put(bytesOf("hello"))).toBe(HELLO);
  const after = statSync(pathOf(folder, HELLO), { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  store.close();
});

test("behaviour: many puts at once, also through two stores, all arrive whole", async () => {
  const folder = newFolder();
  const stores = [await openArtefactStore(folder), await openArtefactStore(folder)];
  const random = seededRandom(2);
  const blobs = Array.from({ length: 20 }, () =>
    Uint8Array.from({ length: random.integer(5000) }, () => random.integer(256)),
  );
  const hashes = await Promise.all(blobs.map((blob, i) => stores[i % 2]!.put(blob)));
  for (const [i, hash] of hashes.entries())
    expect(Buffer.compare(await stores[0]!.get(hash), blobs[i]!)).toBe(0);
  for (const store of stores) store.close();
});

test("behaviour: what a killed writer left is removed at the next open and never listed", async () => {
  const folder = newFolder();
  const store = await openArtefactStore(folder);
  await store.put(bytesOf("hello"));
  const place = join(pathOf(folder, HELLO), "..");
  writeFileSync(join(place, `.${HELLO}.123-4.tmp`), "hel");
  expect(await store.list()).toEqual([HELLO]);
  store.close();
  (await openArtefactStore(folder)).close();
  expect(readdirSync(place)).toEqual([HELLO]);
});

test("error: one changed bit is refused, and the right bytes can be put again", async () => {
  const folder = newFolder();
  const store = await openArtefactStore(folder);
  await store.put(bytesOf("hello"));
  const changed = readFileSync(pathOf(folder, HELLO));
  changed[2]! ^= 1;
  writeFileSync(pathOf(folder, HELLO), changed);
  await expect(store.get(HELLO)).rejects.toThrow(ArtefactCorruptError);
  await store.put(bytesOf("hello"));
  expect(new TextDecoder().decode(await store.get(HELLO))).toBe("hello");
  store.close();
});

test.each([EMPTY, "0x12", "../../etc/passwd", HELLO.toUpperCase()])(
  "error: %s is not there",
  async (hash) => {
    const store = await openArtefactStore(newFolder());
    await expect(store.get(hash as Hex)).rejects.toThrow(ArtefactMissingError);
  },
);

test.each(["", "..", "a/b", "Model", "-x"])("error: the kind %j is refused", async (kind) => {
  const store = await openArtefactStore(newFolder());
  await expect(store.put(bytesOf("hello"), kind)).rejects.toThrow(BadArtefactKindError);
  await expect(store.list(kind)).rejects.toThrow(BadArtefactKindError);
});
