import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DiskFullError, findLeftovers, replaceFile } from "./durable-file.ts";

const base = mkdtempSync(join(tmpdir(), "ballast-durable-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

test("default: the file appears, with its folders, and is replaced as a whole", async () => {
  const path = join(base, "a/b/c.txt");
  await replaceFile(path, (temporary) => writeFile(temporary, "first"));
  await replaceFile(path, async (temporary) => {
    await writeFile(temporary, "sec");
    expect(readFileSync(path, "utf8")).toBe("first");
    await writeFile(temporary, "second");
  });
  expect(readFileSync(path, "utf8")).toBe("second");
  expect(readdirSync(join(base, "a/b"))).toEqual(["c.txt"]);
});

test("behaviour: writes of the same file at once do not mix", async () => {
  const path = join(base, "same.txt");
  const texts = Array.from({ length: 10 }, (_, i) => String(i).repeat(1000));
  await Promise.all(texts.map((text) => replaceFile(path, (temporary) => writeFile(temporary, text))));
  expect(texts).toContain(readFileSync(path, "utf8"));
});

test("behaviour: leftovers are found by their name alone, in any depth", async () => {
  const folder = join(base, "a/b");
  writeFileSync(join(folder, ".c.txt.77-3.tmp"), "");
  writeFileSync(join(folder, "mine.tmp"), "");
  expect(await findLeftovers(base)).toEqual([join(folder, ".c.txt.77-3.tmp")]);
  expect(await findLeftovers(join(base, "nowhere"))).toEqual([]);
});

test("error: a writer that fails leaves the old content and nothing else", async () => {
  const path = join(base, "kept/k.txt");
  await replaceFile(path, (temporary) => writeFile(temporary, "old"));
  const attempt = replaceFile(path, async (temporary) => {
    await writeFile(temporary, "half");
    throw new Error("no more");
  });
  await expect(attempt).rejects.toThrow("no more");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(join(base, "kept"))).toEqual(["k.txt"]);
});

const hasFullDevice = existsSync("/dev/full");
if (!hasFullDevice) console.log("left out: the error of a full disk, because there is no /dev/full here");
test.skipIf(!hasFullDevice)("error: no space left is named with the file", async () => {
  const path = join(base, "kept/k.txt");
  const attempt = replaceFile(path, () => writeFile("/dev/full", "does not fit"));
  await expect(attempt).rejects.toThrow(DiskFullError);
  await expect(attempt).rejects.toMatchObject({ code: "DISK_FULL", path });
  expect(readFileSync(path, "utf8")).toBe("old");
});
