import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rebalanceGas } from "@ballast/training";
import { describe, expect, it } from "vitest";
import { writeSyntheticBars } from "../src/bars.ts";

const SCRIPT = fileURLToPath(new URL("../src/bench.ts", import.meta.url));
const benchIn = (cwd: string | undefined, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    encoding: "utf8",
    cwd,
  });
  return { status, stdout, stderr };
};
const bench = (...args: string[]) => benchIn(undefined, ...args);

describe("bench", () => {
  it("default: pipeline prints a table and ends with one line of JSON", { timeout: 240_000 }, () => {
    const { status, stdout, stderr } = bench("pipeline", "--quick", "--json");
    expect(stderr).toContain("training");
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const rows: Record<string, unknown>[] = JSON.parse(lines.at(-1)!);
    expect(rows.map(({ name }) => name)).toEqual([
      "forecast_latency_us",
      "network_latency_us",
      "decision_latency_us",
      "attestation_signing_us",
      "journal_write_us",
      "snapshot_root_us",
      "next_snapshot_us",
      "bars_ingested_per_s",
      "attested_rebalance_gas",
      "attested_rebalance_against_single_swaps_gas",
      "attestation_gas",
      ...["transaction", "swaps", "tokens", "prices", "attestation", "vault"].map(
        (part) => `rebalance_part_${part}_gas`,
      ),
      "vault_round_trip_ms",
    ]);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(["name", "value", "unit", "peer", "peerValue", "ratio"]);
      const { name, value, unit, peer, peerValue, ratio } = row;
      expect([typeof unit, typeof peer], String(name)).toEqual(["string", "string"]);
      expect(value, String(name)).toBeGreaterThan(0);
      expect(peerValue, String(name)).toBeGreaterThan(0);
      expect(ratio).toBe(Number(value) / Number(peerValue));
      expect(lines.some((line) => line.startsWith(`${name} `))).toBe(true);
    }
    const gasOf = (name: string) => Number(rows.find((row) => row.name === name)!.value);
    // What the backtest takes for it was measured once; it must not drift from the vault.
    const taken = rebalanceGas(3, "on-chain");
    expect(Math.abs(taken.rebalance / gasOf("attested_rebalance_gas") - 1)).toBeLessThan(0.03);
    expect(Math.abs(taken.attestation / gasOf("attestation_gas") - 1)).toBeLessThan(0.03);
    const parts = rows.filter(({ name }) => String(name).startsWith("rebalance_part_"));
    // No name fell to the wrong contract: most of it all is swaps, and the vault's own code.
    for (const part of ["swaps", "vault"])
      expect(gasOf(`rebalance_part_${part}_gas`), part).toBeGreaterThan(gasOf("attested_rebalance_gas") / 5);
    expect(parts.reduce((sum, { value }) => sum + Number(value), 0)).toBe(gasOf("attested_rebalance_gas"));
  });

  it("default: api measures each route beside the bare server and says what it leaves out", {
    timeout: 240_000,
  }, () => {
    const { status, stdout, stderr } = bench("api", "--quick", "--json");
    expect(status, stderr).toBe(0);
    const rows: { name: string; value: number; peerValue: number }[] = JSON.parse(
      stdout.trimEnd().split("\n").at(-1)!,
    );
    const measured = rows.map(({ name }) => name);
    expect(measured).toEqual(
      expect.arrayContaining([
        ...["latest_vs_node_http", "history_vs_node_http", "sse_fanout_p99_ms", "memory_after_requests_mb"],
      ]),
    );
    for (const name of [
      "csv_mb_per_s",
      "arrow_mb_per_s",
      "redis_deliveries_per_s",
      "redis_p99_ms",
      "first_view_kb",
    ])
      expect(measured.includes(name) || stderr.includes(name), name).toBe(true);
    for (const { name, value, peerValue } of rows)
      expect([value > 0, peerValue > 0], name).toEqual([true, true]);
  });

  it("default: forecast names every metric at every horizon and band", { timeout: 240_000 }, () => {
    const { status, stdout } = bench("forecast", "--quick", "--json");
    expect(status).toBe(0);
    const rows: { name: string; value: number; ratio: number }[] = JSON.parse(
      stdout.trimEnd().split("\n").at(-1)!,
    );
    const names = rows.map(({ name }) => name);
    const horizons = ["1h", "4h", "24h", "168h"];
    expect(names).toEqual(
      expect.arrayContaining([
        ...["qlike_vs_loghar", "qlike_vs_pooled_linear", "dm_t", "coverage90"].flatMap((metric) =>
          horizons.map((horizon) => `${metric}_${horizon}`),
        ),
        ...["1.5pp", "2pp", "3pp"].map((band) => `brier_skill_${band}`),
        ...["breach_auc_24h", "breach_ece_24h", "garch_fit_ms", "walk_forward_s", "peak_memory_mb"],
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
    for (const { name, value } of rows) expect(Number.isFinite(value), name).toBe(true);
    for (const horizon of horizons) {
      const coverage = rows.find(({ name }) => name === `coverage90_${horizon}`)!.value;
      expect(coverage > 0 && coverage <= 1, horizon).toBe(true);
    }
  });

  it("default: verify names every metric, and the chain says what TypeScript says", {
    timeout: 240_000,
  }, () => {
    const { status, stdout } = bench("verify", "--quick", "--json");
    expect(status).toBe(0);
    const rows: { name: string; value: number; ratio: number }[] = JSON.parse(
      stdout.trimEnd().split("\n").at(-1)!,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      "inference_p50_us",
      "inference_p99_us",
      "inference_gas_24_32_16_4",
      "inference_gas_48_64_32_8",
      "rebalance_overhead_gas",
      "deposit_gas",
      "redeem_gas",
      "quantisation_qlike_loss_pct",
      ...["150bp", "200bp", "300bp"].map((band) => `breach_score_auc_24h_${band}`),
      "notary_agreement_pct_3bp",
    ]);
    const values = new Map(rows.map(({ name, value }) => [name, value]));
    for (const [name, value] of values) {
      if (name.startsWith("quantisation")) expect(Number.isFinite(value), name).toBe(true);
      else expect(value, name).toBeGreaterThan(0);
    }
    expect(values.get("inference_gas_24_32_16_4")).toBeLessThanOrEqual(30_000);
    expect(values.get("inference_gas_48_64_32_8")).toBeLessThanOrEqual(90_000);
    expect(values.get("redeem_gas")).toBeLessThanOrEqual(160_000);
    expect(values.get("quantisation_qlike_loss_pct")).toBeLessThanOrEqual(0.5);
    expect(values.get("notary_agreement_pct_3bp")).toBeLessThanOrEqual(100);
    // The floor only brings features closer together.
    expect(rows.find(({ name }) => name === "notary_agreement_pct_3bp")!.ratio).toBeGreaterThanOrEqual(1);
  });

  it("default: backtest runs the simulator beside C, which says the same to the last bit", {
    timeout: 120_000,
  }, () => {
    const { status, stdout, stderr } = bench("backtest", "--quick", "--json");
    expect(stderr).not.toContain("PEERS_DIFFER");
    expect(status).toBe(0);
    const rows: { name: string; value: number }[] = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    const hasCompiler = !stderr.includes("no C compiler");
    if (!hasCompiler) console.warn("no C compiler here: the comparison with C is not tested");
    expect(rows.map(({ name }) => name)).toEqual([
      "sim_bars_per_s",
      ...(hasCompiler ? ["sim_vs_c"] : []),
      "sweep_20_s",
      "sweep_20_predictive_s",
      "sim_memory_mb",
    ]);
    for (const { name, value } of rows) expect(value, name).toBeGreaterThan(0);
  });

  it("default: policies names every figure with its interval, and counts how often a window was scored", {
    timeout: 240_000,
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), "ballast-bench-test-"));
    try {
      const { status, stdout, stderr } = benchIn(folder, "policies", "--quick", "--json");
      expect(status).toBe(0);
      expect(stderr).toMatch(/mainnet usd-eth: hours \d+ to \d+ scored, by now 1 times/);
      const rows: { name: string; value: number; interval: [number, number] }[] = JSON.parse(
        stdout.trimEnd().split("\n").at(-1)!,
      );
      expect(rows.map(({ name }) => name)).toEqual([
        "cost_ratio_mainnet_usd-eth",
        "cost_ratio_to_gas_widened_usd-eth",
        "cost_ratio_to_gas_capped_usd-eth",
        "cost_ratio_clairvoyant_usd-eth",
        "clairvoyant_gap_closed_usd-eth",
        "outside_band_ratio_mainnet_usd-eth",
        "cost_ratio_rollup_usd-eth",
      ]);
      for (const { name, value, interval } of rows) {
        expect(Number.isFinite(value), name).toBe(true);
        expect(interval[0], name).toBeLessThanOrEqual(interval[1]);
      }
      expect(
        readFileSync(join(folder, ".ballast/scored-windows.jsonl"), "utf8").trim().split("\n"),
      ).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("behaviour: policies without base fees leaves mainnet out with a word on it", {
    timeout: 240_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "ballast-bench-test-"));
    try {
      await writeSyntheticBars(join(folder, "bars"), 2_000);
      const { status, stdout, stderr } = benchIn(folder, "policies", "--quick", "--json", "--bars", "bars");
      expect(status).toBe(0);
      expect(stderr).toContain("mainnet is left out: no base fees");
      const rows: { name: string }[] = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      expect(rows.map(({ name }) => name)).toEqual(["cost_ratio_rollup_usd-eth"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("default: --help lists the benchmarks with an example", () => {
    const { status, stdout } = bench("--help");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}pipeline +\S/m);
    expect(stdout).toContain("npm run bench -- pipeline --bars");
  });

  it.each([
    [
      ["pipelines"],
      /^MISUSE: There is no benchmark "pipelines"; choose among: api, backtest, costs, forecast, pipeline, policies, verify\. .*\n$/,
    ],
    [["pipeline", "twice"], /^MISUSE: There is no benchmark "pipeline twice"; .*\n$/],
    [["toString"], /^MISUSE: There is no benchmark "toString"; .*\n$/],
    [
      [],
      /^MISUSE: No benchmark is named; choose among: api, backtest, costs, forecast, pipeline, policies, verify\. .*\n$/,
    ],
    [["pipeline", "--bar", "x"], /^MISUSE: .*--bar.*--help lists the options\.\n$/],
  ])("error: %j is one line and status 2", (args, line) => {
    const { status, stdout, stderr } = bench(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(line);
  });

  it("error: a folder without bars is one line that says what to do, and status 1", () => {
    const folder = mkdtempSync(join(tmpdir(), "ballast-bench-test-"));
    try {
      const { status, stderr } = bench("pipeline", "--bars", folder);
      expect(status).toBe(1);
      expect(stderr).toMatch(/EMPTY_FOLDER: .*Put files of bars into it/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
