import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  checkWritable,
  createRunFolder,
  discardIfEmpty,
  FolderError,
  newestRun,
  writeWhole,
} from "./folders.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ballast-folders-"));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("createRunFolder", () => {
  it("default: numbered from 1, and models are shared", () => {
    const [first, second] = [createRunFolder(join(root, "demo")), createRunFolder(join(root, "demo"))];
    expect([first.path, second.path]).toEqual([
      join(root, "demo", "run-0001"),
      join(root, "demo", "run-0002"),
    ]);
    expect(first.artefacts).toBe(second.artefacts);
    expect(second.unfinished).toBeUndefined();
  });

  it("behaviour: an earlier run with a journal and without a record did not finish", () => {
    const first = createRunFolder(root);
    writeFileSync(first.journal, "");
    expect(createRunFolder(root).unfinished).toBe(first.path);
    const third = createRunFolder(root);
    expect(third.unfinished).toBeUndefined();
    writeFileSync(third.journal, "");
    writeFileSync(third.record, "{}");
    expect(createRunFolder(root).unfinished).toBeUndefined();
  });

  it("behaviour: numbers go on after 9999 and other names are left alone", () => {
    for (const name of ["run-9999", "run-10", "running", "artefacts"]) mkdirSync(join(root, name));
    expect(createRunFolder(root).path).toBe(join(root, "run-10000"));
    expect(createRunFolder(root).path).toBe(join(root, "run-10001"));
  });

  it("error: a file in the way", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => createRunFolder(join(root, "file"))).toThrow(FolderError);
    expect(() => createRunFolder(join(root, "file", "below"))).toThrow(/ENOTDIR.*--out/);
  });
});

describe("newestRun", () => {
  it("default: the highest number that has a journal", () => {
    expect(newestRun(join(root, "none"))).toBeUndefined();
    const [first] = [createRunFolder(root), createRunFolder(root)];
    expect(newestRun(root)).toBeUndefined();
    writeFileSync(first.journal, "");
    expect(newestRun(root)?.path).toBe(first.path);
  });
});

describe("discardIfEmpty", () => {
  it("behaviour: only what is empty goes", () => {
    const [empty, full] = [createRunFolder(root), createRunFolder(root)];
    writeFileSync(full.journal, "");
    discardIfEmpty(empty);
    discardIfEmpty(full);
    expect(readdirSync(root)).toEqual(["run-0002"]);
  });
});

describe("writeWhole", () => {
  it("default: replaces the file and leaves nothing beside it", () => {
    const path = join(root, "record.json");
    writeWhole(path, "one");
    writeWhole(path, "two");
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(readdirSync(root)).toEqual(["record.json"]);
  });

  it("error: says whether the disk is full, and makes no folder", () => {
    const failure = new FolderError(root, Object.assign(new Error(), { code: "ENOSPC" }));
    expect(failure).toMatchObject({ code: "DISK_FULL", message: expect.stringMatching(/full.*--out/) });
    expect(() => writeWhole(join(root, "none", "record.json"), "x")).toThrow(/ENOENT/);
    expect(existsSync(join(root, "none"))).toBe(false);
  });
});

describe("checkWritable", () => {
  it("behaviour: creates nothing, and names the option that chooses the place", () => {
    checkWritable(join(root, "a", "b"), "--store");
    expect(readdirSync(root)).toEqual([]);
    writeFileSync(join(root, "file"), "", { mode: 0o777 });
    expect(() => checkWritable(join(root, "file", "b"), "--store")).toThrow(/ENOTDIR|EACCES.*--store/);
  });
});
