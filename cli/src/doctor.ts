import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { startAnvil } from "@ballast/contracts";
import { openBarStore } from "@ballast/data";
import { type BackendName, chooseBackend } from "@ballast/training";
import type { Terminal } from "./terminal.ts";

interface Finding {
  readonly what: string;
  readonly state: "ok" | "missing" | "optional";
  readonly detail: string;
  /** How to get what is missing. */
  readonly remedy?: string;
}

const LEAST_FREE_BYTES = 2e9;

export async function runDoctor(options: { readonly json?: boolean }, terminal: Terminal): Promise<void> {
  const findings = [
    node(),
    await duckdb(),
    await chain(),
    ...(await backends()),
    disk(),
    memory(),
    program("forge", ["--version"], "forge (only to test the contracts)", "npm ci, without --omit=dev"),
    program(
      "redis-server",
      ["--version"],
      "redis-server (only for feeds, keepers and sweeps on several machines)",
      "apt-get install redis-server, or brew install redis",
    ),
    program("chromium", ["--version"], "chromium (only to test the pages)", "apt-get install chromium"),
  ];
  if (options.json) terminal.result(JSON.stringify(findings));
  else {
    for (const { what, state, detail, remedy } of findings) {
      const mark = { ok: "ok      ", missing: "MISSING ", optional: "not here" }[state];
      terminal.result(
        `${mark}  ${what}: ${detail}${remedy === undefined || state === "ok" ? "" : `\n          get it: ${remedy}`}`,
      );
    }
  }
  if (findings.some(({ state }) => state === "missing")) process.exitCode = 1;
}

const node = (): Finding => ({
  what: "Node",
  state: "ok",
  detail: `${process.versions.node} on ${process.platform} ${process.arch}`,
});

/** Something that works or throws; its message becomes the detail. */
async function attempt(what: string, remedy: string, work: () => Promise<string> | string): Promise<Finding> {
  try {
    return { what, state: "ok", detail: await work() };
  } catch (error) {
    return {
      what,
      state: "missing",
      detail: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error),
      remedy,
    };
  }
}

const duckdb = () =>
  attempt("market store (DuckDB)", "npm ci again: its native library comes with the package", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ballast-doctor-"));
    try {
      (await openBarStore(folder)).close();
    } finally {
      rmSync(folder, { recursive: true });
    }
    return "opens";
  });

const chain = () =>
  attempt("local chain (anvil)", "npm ci again, without --omit=optional", async () => {
    const anvil = await startAnvil({ timestamp: 1_700_000_000 });
    await anvil.stop();
    return "starts and answers";
  });

/** Training needs one of the three; tfjs-node is the fastest, WebAssembly the reproducible one. */
async function backends(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of ["tfjs-node", "wasm", "cpu"] satisfies BackendName[]) {
    const finding = await attempt(`training backend ${name}`, "npm ci again", async () => {
      const backend = await chooseBackend(name, () => {});
      if (backend.name !== name) throw new Error(backend.reason);
      return `loads, version ${backend.version}`;
    });
    findings.push(
      name === "tfjs-node" && finding.state === "missing"
        ? {
            ...finding,
            state: "optional",
            remedy: "npm run ballast -- doctor --install-tensorflow; training runs on WebAssembly meanwhile",
          }
        : finding,
    );
  }
  return findings;
}

function disk(): Finding {
  const what = "disk";
  // Everything goes below this folder unless an option says otherwise.
  const place = existsSync(".ballast") ? ".ballast" : ".";
  try {
    accessSync(place, constants.W_OK);
    const { bavail, bsize } = statfsSync(place);
    const free = bavail * bsize;
    const detail = `${(free / 1e9).toFixed(1)} GB free`;
    return free < LEAST_FREE_BYTES
      ? { what, state: "missing", detail, remedy: "free at least 2 GB" }
      : { what, state: "ok", detail };
  } catch (error) {
    return {
      what,
      state: "missing",
      detail: (error as Error).message,
      remedy: "run from a folder you may write to",
    };
  }
}

const memory = (): Finding => ({
  what: "memory",
  state: totalmem() < LEAST_FREE_BYTES ? "missing" : "ok",
  detail: `${(totalmem() / 1e9).toFixed(1)} GB, ${(freemem() / 1e9).toFixed(1)} GB free`,
  remedy: "the demo needs 2 GB",
});

function program(name: string, args: readonly string[], what: string, remedy: string): Finding {
  const { status, stdout, error } = spawnSync(name, args, { encoding: "utf8", timeout: 10_000 });
  if (error !== undefined || status !== 0) return { what, state: "optional", detail: "not found", remedy };
  return { what, state: "ok", detail: stdout.split("\n")[0]?.trim() ?? "" };
}
