import { spawn } from "node:child_process";
import { statfsSync } from "node:fs";
import { BallastError } from "@ballast/data";

/** What the build asks of the machine it runs on. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly hasGlibc: boolean;
  /** Of the programs it starts; PATH and CXX name them. */
  readonly env: NodeJS.ProcessEnv;
  freeBytes(folder: string): number;
}

export const thisMachine = (): Machine => ({
  platform: process.platform,
  arch: process.arch,
  hasGlibc: "glibcVersionRuntime" in (process.report.getReport() as { header: object }).header,
  env: process.env,
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
});

export class UnsupportedMachineError extends BallastError {
  readonly code = "NATIVE_UNSUPPORTED";
  readonly machine: string;
  constructor(machine: string) {
    super(
      `libtensorflow is built here for Linux on x64 with glibc, and this is ${machine}. Train on the WebAssembly backend, or try \`npm install --no-save -w @ballast/training @tensorflow/tfjs-node\`.`,
    );
    this.machine = machine;
  }
}

export class MissingToolError extends BallastError {
  readonly code = "NATIVE_TOOL_MISSING";
  readonly tool: string;
  constructor(tool: string, remedy: string) {
    super(`native TensorFlow is built with ${tool}, which is not here. ${remedy}`);
    this.tool = tool;
  }
}

export interface Tools {
  readonly python: string;
  readonly compiler: string;
}

/** Runs a program in `cwd` to its end; rejects with the line of its output that says why it failed. */
export type Run = (
  command: string,
  args: readonly string[],
  cwd: string,
  env?: NodeJS.ProcessEnv,
) => Promise<{ stdout: string }>;

/** The programs the build needs. Errors: MissingToolError */
export async function findTools(run: Run, env: NodeJS.ProcessEnv): Promise<Tools> {
  const first = async (commands: readonly string[], args: readonly string[]) => {
    for (const command of commands) {
      const runs = await run(command, args, ".").then(
        () => true,
        () => false,
      );
      if (runs) return command;
    }
    return undefined;
  };
  const pythons = ["python3", "python"];
  const python = await first(pythons, ["-m", "pip", "--version"]);
  if (python === undefined) {
    const hasPython = (await first(pythons, ["--version"])) !== undefined;
    throw hasPython
      ? new MissingToolError("pip", "Install it: apt-get install python3-pip, or python3 -m ensurepip.")
      : new MissingToolError("Python 3", "Install it with its pip: apt-get install python3 python3-pip.");
  }
  const compilers = [...(env.CXX ? [env.CXX] : []), "c++", "g++", "clang++"];
  const compiler = await first(compilers, ["--version"]);
  if (compiler === undefined) {
    throw new MissingToolError("a C++ compiler", "Install one: apt-get install g++.");
  }
  if ((await first(["npm"], ["--version"])) === undefined) {
    throw new MissingToolError("npm", "Install it: it comes with Node.");
  }
  return { python, compiler };
}

/** As Run, with the whole environment and a signal that ends the program. */
export async function runProgram(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<{ stdout: string }> {
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(signal && { signal }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [status, killedBy] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...end) => resolve(end));
  });
  if (status === 0) return { stdout };
  const why =
    killedBy === "SIGILL"
      ? "this processor lacks instructions that libtensorflow uses (AVX)"
      : killedBy === null
        ? reasonIn(`${stderr}\n${stdout}`)
        : `it was ended by ${killedBy}`;
  throw new Error(why);
}

/** The line that states the error, else one that speaks of it, else the last; addresses can carry credentials. */
function reasonIn(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const line =
    lines.find((text) => /^(npm )?error\b|\berror: /i.test(text)) ??
    lines.find((text) => /error/i.test(text)) ??
    lines.at(-1) ??
    "it said nothing";
  return line
    .trim()
    .replace(/https?:\/\/\S+/g, "<address>")
    .replace(/\.$/, "");
}
