import type { Hex } from "@ballast/data";
import type { Step } from "./course.ts";
import type { BacktestTrade } from "./record.ts";
import type { Checkpoint, Chunk, RunStore } from "./store.ts";

/** Keeps the bars since the last checkpoint, and no more. */
export interface RunWriter {
  add(step: Step): void;
  save(bars: number, rest: Omit<Checkpoint, "bars" | "chunks">): Promise<void>;
  /** Bars at the end of each chunk that was saved. */
  readonly chunks: readonly number[];
}

export function openWriter(store: RunStore, resumed: Checkpoint | undefined): RunWriter {
  const chunks = [...(resumed?.chunks ?? [])];
  let chunk = emptyChunk();
  return {
    add({ quote, value, mix, weights, forecast, decided, relooked, trade }) {
      chunk.at.push(quote.at);
      chunk.value.push(value);
      chunk.mix.push(mix);
      chunk.weights.push(weights);
      chunk.prices.push(quote.prices);
      chunk.gasGwei.push(quote.baseFeeGwei);
      chunk.breachProbability.push(forecast === undefined ? null : decided.breachProbability);
      chunk.decisionHashes.push(decided.hash);
      if (relooked !== undefined) chunk.decisionHashes.push(relooked.hash);
      if (trade !== undefined) chunk.trades.push(trade);
    },
    async save(bars, rest) {
      if (chunk.at.length > 0) chunks.push(bars);
      await store.save(chunk, { bars, chunks, ...rest });
      chunk = emptyChunk();
    },
    chunks,
  };
}

const emptyChunk = () =>
  ({
    at: [] as number[],
    value: [] as number[],
    mix: [] as number[],
    weights: [] as (readonly number[])[],
    prices: [] as (readonly number[])[],
    gasGwei: [] as number[],
    breachProbability: [] as (number | null)[],
    decisionHashes: [] as Hex[],
    trades: [] as BacktestTrade[],
  }) satisfies Chunk;
