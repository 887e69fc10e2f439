import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { BallastError, type Progress } from "@ballast/data";
import { NATIVE_PACKAGE, type NativeVersions, nativeFolder } from "./load.ts";
import { fetchPackages, fetchWheel, LIBRARIES, PIECES, unpackWheel } from "./pieces.ts";
import {
  findTools,
  type Machine,
  type Run,
  runProgram,
  thisMachine,
  UnsupportedMachineError,
} from "./tools.ts";

/** Of the interface to Node that tfjs-node's package asks for; it is the same in every Node since 12.22. */
const NODE_API_VERSION = 8;
/** The wheel twice while pip copies it, or once beside what is taken from it. */
const NEEDED_BYTES = 1e9;

/** Folder of what is taken from the wheel, beside the package's. */
const LIBRARY = "libtensorflow";
/** File that says which pieces a build, finished or not, is made of. */
const STAMP = "ballast.json";

export class NoSpaceError extends BallastError {
  readonly code = "NATIVE_NO_SPACE";
  readonly freeBytes: number;
  constructor(folder: string, freeBytes: number) {
    super(
      `building native TensorFlow takes ${NEEDED_BYTES / 1e9} GB in ${folder}, and ${(freeBytes / 1e9).toFixed(1)} GB are free. Free some, or name another folder in BALLAST_TENSORFLOW.`,
    );
    this.freeBytes = freeBytes;
  }
}

export class NativeStepError extends BallastError {
  readonly code = "NATIVE_STEP_FAILED";
  readonly step: string;
  constructor(step: string, why: string, remedy: string) {
    super(`${step} failed: ${why}. ${remedy} What was done is kept for the next try.`);
    this.step = step;
  }
}

export interface NativeBuildOptions {
  readonly folder?: string;
  readonly machine?: Machine;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface NativeBuild {
  readonly folder: string;
  readonly versions: NativeVersions;
  /** False where a finished build was found and works. */
  readonly isNew: boolean;
}

const PROGRESS_TOTAL = 1000;
/** By the time the steps take on a fast network. */
const STEPS = {
  prepare: { label: "making the folder", from: 0, share: 0.01 },
  packages: { label: "fetching the binding's sources", from: 0.01, share: 0.09 },
  download: { label: "fetching libtensorflow", from: 0.1, share: 0.4 },
  unpack: { label: "unpacking libtensorflow", from: 0.5, share: 0.2 },
  compile: { label: "compiling the binding", from: 0.7, share: 0.25 },
  trial: { label: "training a small network with it", from: 0.95, share: 0.05 },
};

/**
 * Builds `@tensorflow/tfjs-node` in `folder` from its sources and the libtensorflow in a Python wheel, both from the
 * registries that npm and pip are configured for, checks their hashes, and trains with it once before it counts.
 * Done again it only tries what is there; interrupted it carries on. Nothing outside `folder` is written. Errors:
 * UnsupportedMachineError, MissingToolError, NoSpaceError, NativeStepError, and the signal's reason.
 */
export async function installNative(options: NativeBuildOptions = {}): Promise<NativeBuild> {
  const { folder = nativeFolder(), machine = thisMachine(), signal, onProgress } = options;
  const { platform, arch, hasGlibc, env } = machine;
  if (platform !== "linux" || arch !== "x64" || !hasGlibc) {
    throw new UnsupportedMachineError(`${platform} on ${arch}${hasGlibc ? "" : " without glibc"}`);
  }
  const run: Run = (command, args, cwd, extra) =>
    runProgram(command, args, cwd, { ...env, ...extra }, signal);
  const report = (step: keyof typeof STEPS) => (share: number) => {
    const { from, share: whole, label } = STEPS[step];
    const done = Math.round(PROGRESS_TOTAL * (from + whole * Math.min(share, 1)));
    onProgress?.({ done, total: PROGRESS_TOTAL, label });
  };
  /** A step whose failure is one line with its remedy. */
  const attempt = async <T>(step: keyof typeof STEPS, remedy: string, work: () => Promise<T>) => {
    signal?.throwIfAborted();
    report(step)(0);
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof BallastError) throw error;
      throw new NativeStepError(STEPS[step].label, (error as Error).message, remedy);
    }
  };
  const trial = (root: string, remedy: string) =>
    attempt("trial", remedy, async () => {
      const file = path.join(import.meta.dirname, "trial.ts");
      const { stdout } = await run(process.execPath, [file], root, { BALLAST_TENSORFLOW: root });
      return JSON.parse(stdout) as NativeVersions;
    });

  if (hasStamp(path.join(folder, NATIVE_PACKAGE))) {
    const versions = await trial(folder, "Remove it (`--remove-tensorflow`) and install it again.");
    return { folder, versions, isNew: false };
  }

  const building = path.join(folder, "building");
  const library = path.join(building, LIBRARY);
  const remedy = "Name a folder you may write to in BALLAST_TENSORFLOW.";
  const { python, compiler } = await attempt("prepare", remedy, async () => {
    const tools = await findTools(run, env);
    if (!hasStamp(building)) rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { recursive: true });
    writeFileSync(path.join(building, STAMP), PIECES);
    return tools;
  });
  const free = machine.freeBytes(building);
  if (!existsSync(library) && free < NEEDED_BYTES) throw new NoSpaceError(building, free);

  await attempt("packages", "See that npm reaches its registry (`npm ping`).", () =>
    fetchPackages(building, python, run, report("packages")),
  );
  if (!existsSync(library)) {
    const wheel = await attempt(
      "download",
      "See that pip reaches its package index (`python3 -m pip download --no-deps six`).",
      () => fetchWheel(building, python, run, report("download")),
    );
    await attempt("unpack", "See that the disk has room.", () =>
      unpackWheel(wheel, library, python, run, report("unpack")),
    );
    rmSync(wheel);
  }
  await attempt("compile", "Name another compiler in CXX, such as clang++ or a g++ from 9 on.", async () => {
    const out = path.join(NATIVE_PACKAGE, "lib", `napi-v${NODE_API_VERSION}`);
    mkdirSync(path.join(building, out), { recursive: true });
    await run(compiler, compileOptions(path.join(out, "tfjs_binding.node")), building);
  });
  const versions = await trial(building, "Train on the WebAssembly backend on this machine.");

  // The package comes last, as it is what loading looks for.
  writeFileSync(path.join(building, NATIVE_PACKAGE, STAMP), PIECES);
  for (const part of [LIBRARY, NATIVE_PACKAGE]) {
    rmSync(path.join(folder, part), { recursive: true, force: true });
    renameSync(path.join(building, part), path.join(folder, part));
  }
  rmSync(building, { recursive: true });
  report("trial")(1);
  return { folder, versions, isNew: true };
}

/** Removes what `installNative` left in `folder`, finished or not; says whether there was anything. */
export function removeNative(folder: string = nativeFolder()): boolean {
  const parts = ["building", LIBRARY, NATIVE_PACKAGE].map((part) => path.join(folder, part));
  const present = parts.filter((part) => existsSync(part));
  for (const part of present) rmSync(part, { recursive: true });
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  return present.length > 0;
}

function hasStamp(folder: string): boolean {
  const stamp = path.join(folder, STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === PIECES;
}

/** Linked so that the binding finds the libraries beside its package, wherever the folder lies. */
const compileOptions = (out: string) => [
  ...["-std=c++17", "-O2", "-fPIC", "-shared", `-DNAPI_VERSION=${NODE_API_VERSION}`],
  ...["-Inode-api-headers/include", `-I${LIBRARY}/tensorflow/include`],
  ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => path.join(NATIVE_PACKAGE, "binding", file)),
  ...["-o", out, `-L${LIBRARY}/tensorflow`, ...LIBRARIES.map((file) => `-l:${file}`)],
  `-Wl,-rpath,$ORIGIN/../../../${LIBRARY}/tensorflow`,
];
