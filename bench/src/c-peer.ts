import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BallastError } from "@ballast/data";
import type { SimMarket } from "@ballast/training";

const SOURCE = fileURLToPath(new URL("../c/threshold.c", import.meta.url));
/** -ffp-contract=off: without it some processors fuse multiplication and addition, and the last bits differ. */
const FLAGS = ["-O3", "-ffp-contract=off", "-Wall", "-Werror"];

/** What c/threshold.c is asked: back to target outside of the widths, at a fee and a fixed cost in first values. */
export interface CSetting {
  readonly widths: readonly number[];
  readonly feeRate: number;
  readonly fixed: number;
}

export interface CRun {
  /** Nanoseconds of each round. */
  readonly nanoseconds: readonly number[];
  readonly trades: number;
  readonly outsideBars: number;
  readonly fees: number;
  readonly gas: number;
  readonly squares: number;
  readonly growth: number;
}

export interface CPeer {
  /** The compiler's first line about itself, with the flags. */
  readonly compiler: string;
  run(market: SimMarket, setting: CSetting, rounds: number): CRun;
  close(): void;
}

export class PeerFailedError extends BallastError {
  readonly code = "PEER_FAILED";
  constructor(what: string, output: string) {
    super(
      `${what} failed: ${output.trim() || "it said nothing"}. Correct it, or take the compiler off the path.`,
    );
  }
}

/** The plain C loop, compiled now; nothing where this machine has no C compiler (`CC`, else cc). */
export function compileCPeer(compiler: string = process.env.CC ?? "cc"): CPeer | undefined {
  const version = spawnSync(compiler, ["--version"], { encoding: "utf8" });
  if (version.error !== undefined || version.status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "ballast-bench-c-"));
  const binary = join(folder, "threshold");
  const built = spawnSync(compiler, [...FLAGS, SOURCE, "-o", binary, "-lm"], { encoding: "utf8" });
  if (built.status !== 0) {
    rmSync(folder, { recursive: true });
    throw new PeerFailedError(`${compiler} ${FLAGS.join(" ")}`, built.stderr);
  }
  return {
    compiler: `${version.stdout.split("\n")[0]} ${FLAGS.slice(0, 2).join(" ")}`,
    run(market, setting, rounds) {
      const input = toInput(market, setting, rounds);
      const { status, stdout, stderr } = spawnSync(binary, { input, maxBuffer: 2 ** 24 });
      if (status !== 0) throw new PeerFailedError("The C loop", String(stderr));
      const lines = String(stdout).trim().split("\n");
      const [trades, outsideBars, fees, gas, squares, growth] = lines.pop()!.split(" ").map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return { nanoseconds: lines.map(Number), trades, outsideBars, fees, gas, squares, growth };
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function toInput({ bars, targets, mix, price }: SimMarket, setting: CSetting, rounds: number): Buffer {
  const sizes = BigInt64Array.of(BigInt(bars), BigInt(rounds));
  const numbers = Float64Array.of(...targets, ...setting.widths, setting.feeRate, setting.fixed);
  return Buffer.concat([sizes, numbers, mix, price].map((part) => Buffer.from(part.buffer as ArrayBuffer)));
}
