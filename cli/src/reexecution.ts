import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Reexecution, VerifyReport } from "@ballast/api";
import { type Evidence, toEvidence } from "@ballast/attest";
import { BallastError, type Hex } from "@ballast/data";

export interface ReexecutionOptions {
  readonly artefacts: string;
  /** Markets by root, as agents and demos leave them. */
  readonly snapshots: string;
  /** Folders of bars by name, tried in this order where there is no snapshot. */
  readonly dataSets: Readonly<Record<string, string>>;
  /** Node to check executions and revocations with. */
  readonly rpc?: string | undefined;
  readonly log: (line: string) => void;
}

export class VerifyBusyError extends BallastError {
  readonly code = "VERIFY_BUSY";
  constructor(waiting: number) {
    super(`${waiting} decisions are being verified already. Ask again in a few seconds.`);
  }
}

export class VerifyFailedError extends BallastError {
  readonly code = "VERIFY_FAILED";
}

type Market = VerifyReport["market"];
type Findings = Omit<VerifyReport, "market">;

const BALLAST = fileURLToPath(new URL("../ballast.mjs", import.meta.url));
/** One reads bars and decides; more at once would only wait for each other. */
const MOST_WAITING = 8;
const TIMEOUT_MS = 60_000;

/** `ballast verify` in a process of its own, so that the service answers meanwhile; one after the other. */
export function openReexecution(options: ReexecutionOptions): Reexecution {
  const { artefacts, snapshots, dataSets, rpc, log } = options;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const common = [
    ...(existsSync(artefacts) ? ["--artefacts", resolve(artefacts)] : []),
    ...(rpc === undefined ? [] : ["--rpc", rpc]),
  ];

  /** With the market that has the decision's root; what has another says nothing of the decision. */
  async function follow(file: string, root: Hex): Promise<VerifyReport> {
    const verify = (...material: string[]): Promise<Findings> =>
      runVerify([file, ...common, ...material], log);
    const snapshot = join(snapshots, `${root}.snapshot`);
    const found = (market: Market, findings: Findings): VerifyReport => ({ ...findings, market });
    if (existsSync(snapshot))
      return found(
        { kind: "snapshot", detail: "the market as the agent kept it, whose root is recomputed" },
        await verify("--snapshot", resolve(snapshot)),
      );
    for (const [name, bars] of Object.entries(dataSets)) {
      const findings = await verify("--bars", resolve(bars)).catch((error: unknown) => {
        // These bars may not reach the decision; others may.
        if (!(error instanceof VerifyFailedError)) throw error;
        return undefined;
      });
      if (findings?.links.some(({ name, status }) => name === "data" && status === "pass"))
        return found({ kind: "bars", detail: `made from the data set ${name}` }, findings);
    }
    const detail = `no snapshot and no data set here has the root ${root}`;
    return found({ kind: "none", detail }, await verify());
  }

  return {
    async verify({ decision }, evidence) {
      if (waiting >= MOST_WAITING) throw new VerifyBusyError(waiting);
      waiting += 1;
      const turn = last.then(() => withFile(evidence, (file) => follow(file, decision.inputRoot)));
      last = turn.catch(() => {});
      return turn.finally(() => {
        waiting -= 1;
      });
    },
  };
}

async function withFile<T>(evidence: Evidence, work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-verify-"));
  try {
    const file = join(folder, "evidence.json");
    await writeFile(file, JSON.stringify(toEvidence(evidence)));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Errors: VerifyFailedError where it came to no findings; the log has why. */
function runVerify(args: readonly string[], log: (line: string) => void): Promise<Findings> {
  const child = spawn(process.execPath, [BALLAST, "verify", ...args, "--json"], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIMEOUT_MS,
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  return new Promise((fulfil, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      const line = text.stdout.trimEnd().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) return fulfil(JSON.parse(line));
      log(`a verification came to no end: ${text.stderr.trim().slice(-1_000)}`);
      reject(new VerifyFailedError("The decision could not be followed; the server's log says why."));
    });
  });
}
