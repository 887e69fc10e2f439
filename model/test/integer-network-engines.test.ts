/** The same bits in the main thread, in a worker, and in other versions of Node, which npm may or may not have. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bitsOfNetworks } from "../src/integer-network-bits.fixture.ts";

const run = promisify(execFile);
const SCRIPT = JSON.stringify(new URL("../src/integer-network-bits.fixture.ts", import.meta.url).href);
const INSTALL_MS = 60_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ballast-node-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Path of a Node of that major version, installed to the temporary folder; undefined where npm cannot give one. */
async function installNode(major: number): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = join(folder, String(major));
  // A workspace that npm runs this test in is none of the temporary folder's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_config_(workspace|local)/.test(key)),
  );
  const flags = ["--prefix", prefix, "--no-save", "--no-audit", "--no-fund", "--prefer-offline"];
  try {
    await run("npm", ["install", ...flags, `${name}@${major}`], { cwd: folder, env, timeout: INSTALL_MS });
    return join(prefix, "node_modules", name, "bin", "node");
  } catch (error) {
    const [line] = (error as Error & { stderr?: string }).stderr?.match(/^npm error .*$/m) ?? [String(error)];
    console.log(`Node ${major} cannot be installed: the bits it computes are left out (${line})`);
    return undefined;
  }
}

describe("bits of integer networks", () => {
  const bits = bitsOfNetworks();

  it("default: the same in a worker", async () => {
    const code = `import(${SCRIPT}).then(({ bitsOfNetworks }) =>
      require("node:worker_threads").parentPort.postMessage(bitsOfNetworks()))`;
    const worker = new Worker(code, { eval: true });
    const [found] = await once(worker, "message");
    await worker.terminate();
    expect(found).toBe(bits);
  });

  it.each([22, 24, 26])("behaviour: the same in Node %i", { timeout: 2 * INSTALL_MS }, async (major) => {
    const isOwn = process.versions.node.startsWith(`${major}.`);
    const node = isOwn ? process.execPath : await installNode(major);
    if (node === undefined) return;
    const code = `import { bitsOfNetworks } from ${SCRIPT}; console.log(process.versions.node, bitsOfNetworks());`;
    const { stdout } = await run(node, ["--input-type=module", "--eval", code]);
    expect(stdout.trim()).toMatch(new RegExp(`^${major}\\.\\d+\\.\\d+ ${bits}$`));
  });
});
