import { createRequire } from "node:module";
import path from "node:path";
import { BallastError } from "@ballast/data";
import type { Backend } from "@ballast/model";
import * as tf from "@tensorflow/tfjs-core";
import { loadNative, NATIVE_BACKEND } from "./native/load.ts";

export type BackendName = Backend["name"];

export class NoBackendError extends BallastError {
  readonly code = "NO_BACKEND";
  constructor(reasons: readonly string[]) {
    super(
      `no TensorFlow.js backend starts (${reasons.join("; ")}). Run \`npm ci\` again and look at its errors.`,
    );
  }
}

export interface BackendPort {
  readonly name: BackendName;
  readonly reproducible: boolean;
  /** Activates the backend and returns its version; throws where it cannot run here. */
  start(): Promise<string>;
}

const require = createRequire(import.meta.url);
const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;

async function activate(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`${name} does not start`);
  await tf.ready();
}

/** In order of preference. */
const PORTS: readonly BackendPort[] = [
  {
    name: "tfjs-node",
    reproducible: false,
    async start() {
      const { tfjsNode, tensorflow } = loadNative();
      await activate(NATIVE_BACKEND);
      return `${tfjsNode}+tensorflow.${tensorflow}`;
    },
  },
  {
    name: "wasm",
    reproducible: true,
    async start() {
      const name = "@tensorflow/tfjs-backend-wasm";
      const wasm = await import("@tensorflow/tfjs-backend-wasm");
      wasm.setWasmPaths(path.dirname(require.resolve(name)) + path.sep);
      // More threads only wait for one another at these sizes.
      wasm.setThreadsCount(1);
      await activate("wasm");
      return versionOf(name);
    },
  },
  {
    name: "cpu",
    reproducible: true,
    async start() {
      await import("@tensorflow/tfjs-backend-cpu");
      await activate("cpu");
      return versionOf("@tensorflow/tfjs-backend-cpu");
    },
  },
];

/**
 * Starts the preferred backend, else the first of tfjs-node, WebAssembly and plain JavaScript that runs here,
 * and says in one line which and why. Throws NoBackendError when none does.
 */
export async function chooseBackend(
  preferred: BackendName | undefined,
  log: (line: string) => void,
  ports: readonly BackendPort[] = PORTS,
): Promise<Backend> {
  const ordered = [...ports].sort((x, y) => Number(y.name === preferred) - Number(x.name === preferred));
  const failures: string[] = [];
  for (const port of ordered) {
    try {
      const version = await port.start();
      const wanted = port.name === preferred ? "asked for" : "the first that runs here";
      const reason = failures.length > 0 ? failures.join("; ") : wanted;
      log(`training runs on the TensorFlow.js backend ${port.name} ${version}: ${reason}`);
      return { name: port.name, version, reproducible: port.reproducible, reason };
    } catch (error) {
      failures.push(`${port.name} cannot be used (${firstLine(error)})`);
    }
  }
  throw new NoBackendError(failures);
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!.replace(/ imported from .*$/, "");
