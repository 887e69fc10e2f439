import type { ParquetColumn } from "@ballast/data";
import type { BacktestRecord } from "@ballast/training";

const COSTS = ["fee", "spread", "impact", "mev", "gas", "attestationGas"] as const;

/** One row for each bar close. */
export function toBarColumns({ assets, bars }: BacktestRecord): ParquetColumn[] {
  return [
    { name: "time", kind: "time", values: bars.at },
    { name: "value", kind: "number", values: bars.value },
    { name: "mix", kind: "number", values: bars.mix },
    { name: "gasGwei", kind: "number", values: bars.gasGwei },
    { name: "breachProbability", kind: "number", values: bars.breachProbability },
    ...assets.map((asset, i) => ({
      name: `weight_${asset}`,
      kind: "number" as const,
      values: bars.weights[i]!,
    })),
    ...assets.map((asset, i) => ({
      name: `price_${asset}`,
      kind: "number" as const,
      values: bars.prices[i]!,
    })),
  ];
}

/** One row for each trade; `numbers` is JSON. */
export function toTradeColumns({ assets, trades }: BacktestRecord): ParquetColumn[] {
  const numbers = (name: string, of: (trade: BacktestRecord["trades"][number]) => number): ParquetColumn => ({
    name,
    kind: "number",
    values: trades.map(of),
  });
  return [
    { name: "decidedAt", kind: "time", values: trades.map(({ decidedAt }) => decidedAt) },
    { name: "executedAt", kind: "time", values: trades.map(({ executedAt }) => executedAt) },
    { name: "reason", kind: "text", values: trades.map(({ reason }) => reason) },
    { name: "numbers", kind: "text", values: trades.map((trade) => JSON.stringify(trade.numbers)) },
    { name: "decisionHash", kind: "text", values: trades.map(({ decisionHash }) => decisionHash) },
    numbers("soldDollars", ({ soldDollars }) => soldDollars),
    ...COSTS.map((kind) => numbers(kind, ({ costs }) => costs[kind])),
    numbers("shortfall", ({ shortfall }) => shortfall),
    numbers("gasGwei", ({ gasGwei }) => gasGwei),
    ...assets.map((asset, i) => numbers(`before_${asset}`, ({ weightsBefore }) => weightsBefore[i]!)),
    ...assets.map((asset, i) => numbers(`after_${asset}`, ({ weightsAfter }) => weightsAfter[i]!)),
  ];
}
