import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installNative, removeNative } from "./build.ts";
import { fetchPackages, fetchWheel } from "./pieces.ts";
import { type Machine, type Run, runProgram } from "./tools.ts";

const WITH_BUILD = process.env.BALLAST_TEST_TENSORFLOW === "build";
if (!WITH_BUILD) {
  console.log(
    "the whole build of native TensorFlow is left out: BALLAST_TEST_TENSORFLOW=build runs it (1 GB, network)",
  );
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ballast-native-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A machine whose PATH has only these programs, each a shell script. */
function machine(programs: Record<string, string>, rest: Partial<Machine> = {}): Machine {
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  return {
    platform: "linux",
    arch: "x64",
    hasGlibc: true,
    env: { PATH: bin },
    freeBytes: () => 1e12,
    ...rest,
  };
}
const WORKING = { python3: "exit 0", "c++": "exit 0", npm: "exit 0" };
const failing = (what: Machine) => installNative({ folder: path.join(folder, "native"), machine: what });

describe("installNative", () => {
  it.each([
    ["another system", { platform: "darwin", arch: "arm64" }, "darwin on arm64"],
    ["another C library", { hasGlibc: false }, "linux on x64 without glibc"],
  ])("error: %s", async (_, rest, name) => {
    await expect(failing(machine(WORKING, rest))).rejects.toMatchObject({
      code: "NATIVE_UNSUPPORTED",
      machine: name,
      message: expect.stringContaining("WebAssembly"),
    });
    expect(existsSync(path.join(folder, "native"))).toBe(false);
  });

  it.each([
    ["Python 3", { "c++": "exit 0", npm: "exit 0" }],
    ["pip", { ...WORKING, python3: '[ "$1" != -m ]' }],
    ["a C++ compiler", { python3: "exit 0", npm: "exit 0" }],
    ["npm", { python3: "exit 0", "c++": "exit 0" }],
  ])("error: no %s", async (tool, programs) => {
    await expect(failing(machine(programs))).rejects.toMatchObject({
      code: "NATIVE_TOOL_MISSING",
      tool,
      message: expect.stringContaining("Install"),
    });
  });

  it("error: no room on the disk, with what is free and what is needed", async () => {
    await expect(failing(machine(WORKING, { freeBytes: () => 3e8 }))).rejects.toMatchObject({
      code: "NATIVE_NO_SPACE",
      freeBytes: 3e8,
      message: expect.stringMatching(/takes 1 GB .* 0\.3 GB are free/),
    });
  });

  it("error: a folder that cannot be made", async () => {
    writeFileSync(path.join(folder, "native"), "a file");
    await expect(failing(machine(WORKING))).rejects.toMatchObject({
      code: "NATIVE_STEP_FAILED",
      message: expect.stringContaining("BALLAST_TENSORFLOW"),
    });
  });

  it("error: a registry that refuses, in one line without addresses", async () => {
    const npm =
      '[ "$1" = --version ] || { echo "npm error code E403 https://me:secret@host/x" >&2; exit 1; }';
    const failure = failing(machine({ ...WORKING, npm }));
    await expect(failure).rejects.toMatchObject({ code: "NATIVE_STEP_FAILED" });
    await expect(failure).rejects.toThrow(/failed: npm error code E403 <address>\. See that npm/);
  });

  it("error: stopped, with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stopped");
    await expect(
      installNative({
        folder: path.join(folder, "native"),
        machine: machine(
          { ...WORKING, npm: '[ "$1" = --version ] || exec sleep 60' },
          { env: { PATH: `${path.join(folder, "bin")}:/bin:/usr/bin` } },
        ),
        signal: controller.signal,
        onProgress: ({ label }) => label.includes("sources") && setImmediate(() => controller.abort(reason)),
      }),
    ).rejects.toBe(reason);
  });

  it.skipIf(!WITH_BUILD)(
    "behaviour: builds, carries on after a stop, finds a finished build, and is removed whole",
    { timeout: 600_000 },
    async () => {
      const native = path.join(folder, "native");
      const controller = new AbortController();
      const stopped = installNative({
        folder: native,
        signal: controller.signal,
        onProgress: ({ label }) => label.includes("unpacking") && controller.abort(new Error("stopped")),
      });
      await expect(stopped).rejects.toThrow("stopped");
      const wheels = () => readdirSync(path.join(native, "building", "downloads"));
      expect(wheels()).toHaveLength(1);

      const shares: number[] = [];
      const built = await installNative({ folder: native, onProgress: ({ done }) => shares.push(done) });
      expect(built).toMatchObject({ isNew: true, versions: { tfjsNode: "4.22.0", tensorflow: "2.12.1" } });
      expect([...shares].sort((x, y) => x - y)).toEqual(shares);
      expect(shares.at(-1)).toBe(1000);
      expect(readdirSync(native).sort()).toEqual(["libtensorflow", "tfjs-node"]);
      expect(await installNative({ folder: native })).toEqual({ ...built, isNew: false });
      expect(removeNative(native)).toBe(true);
      expect(existsSync(native)).toBe(false);
    },
  );
});

describe("removeNative", () => {
  it("behaviour: takes what the build left, and nothing else in the folder", () => {
    mkdirSync(path.join(folder, "building", "downloads"), { recursive: true });
    mkdirSync(path.join(folder, "market"));
    expect(removeNative(folder)).toBe(true);
    expect(readdirSync(folder)).toEqual(["market"]);
    expect(removeNative(folder)).toBe(false);
  });
});

describe("what is fetched", () => {
  const leave =
    (file: string): Run =>
    async () => {
      writeFileSync(path.join(folder, file), "other bytes");
      return { stdout: "" };
    };

  it("error: a package with other bytes is refused", async () => {
    const fetched = fetchPackages(folder, "python3", leave("tensorflow-tfjs-node-4.22.0.tgz"), () => {});
    await expect(fetched).rejects.toThrow("npm left no @tensorflow/tfjs-node@4.22.0 with its known hash");
  });

  it("error: a wheel with other bytes is refused, also when it lies there already", async () => {
    const run = leave("downloads/tensorflow_cpu-2.12.1.whl");
    for (let tries = 0; tries < 2; tries++) {
      await expect(fetchWheel(folder, "python3", run, () => {})).rejects.toThrow(
        "pip left no tensorflow-cpu==2.12.1 with its known hash",
      );
    }
  });
});

describe("runProgram", () => {
  it.each([
    [
      "the line that states the error",
      "echo 'WARNING: retrying after an error'; echo 'ERROR: no such version.'; exit 1",
      "ERROR: no such version",
    ],
    [
      "a compiler's line among its context",
      "echo 'In file x:'; echo 'x.cc:3:1: fatal error: y.h: No such file'; exit 1",
      "x.cc:3:1: fatal error: y.h: No such file",
    ],
    ["the last line where none speaks of an error", "echo one; echo two; exit 3", "two"],
    ["silence", "exit 1", "it said nothing"],
    ["a signal", "kill -9 $$", "it was ended by SIGKILL"],
    [
      "a processor too old",
      "kill -ILL $$",
      "this processor lacks instructions that libtensorflow uses (AVX)",
    ],
  ])("error: %s", async (_, script, message) => {
    await expect(runProgram("/bin/sh", ["-c", script], folder, {}, undefined)).rejects.toThrow(message);
  });
});
