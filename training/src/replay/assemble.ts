import { type Hex, keccak } from "@ballast/data";
import type { BacktestRecord, BacktestTrade } from "./record.ts";
import type { BacktestSpec } from "./run.ts";
import type { Checkpoint, RunStore } from "./store.ts";

/** The record of a finished run out of its chunks. Throws RunCorruptError. */
export async function assembleRecord(
  spec: BacktestSpec,
  chunks: readonly number[],
  store: RunStore,
  models: Checkpoint["models"],
  notes: readonly string[],
): Promise<BacktestRecord> {
  const { name, policy, market, portfolio, from, to } = spec;
  const { assets, nav } = portfolio;
  const columns = () => assets.map(() => [] as number[]);
  const bars = {
    at: [] as number[],
    value: [] as number[],
    mix: [] as number[],
    weights: columns(),
    prices: columns(),
    gasGwei: [] as number[],
    breachProbability: [] as (number | null)[],
  };
  const trades: BacktestTrade[] = [];
  const hashes: Hex[] = [];
  for (const end of chunks) {
    const chunk = await store.readChunk(end);
    for (const key of ["at", "value", "mix", "gasGwei"] as const) bars[key].push(...chunk[key]);
    bars.breachProbability.push(...chunk.breachProbability);
    for (let i = 0; i < assets.length; i++) {
      for (const key of ["weights", "prices"] as const)
        bars[key][i]!.push(...chunk[key].map((row) => row[i]!));
    }
    trades.push(...chunk.trades);
    hashes.push(...chunk.decisionHashes);
  }
  return {
    format: "ballast-backtest/1",
    name,
    policy: { name: policy.name, parameters: policy.parameters, id: policy.id },
    market: { hash: market.hash, from, to, barMs: market.intervalMs },
    assets: assets.map(({ asset }) => asset),
    targets: assets.map(({ target }) => target),
    bands: assets.map(({ band }) => band),
    nav,
    bars,
    trades,
    // As a replay on a chain has it, so that the two can be compared.
    decisionsDigest: keccak(new TextEncoder().encode(hashes.join())),
    models: models.map(({ from: since, modelId }) => ({ from: since, modelId })),
    notes,
  };
}
