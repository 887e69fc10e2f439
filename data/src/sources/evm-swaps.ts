import { Interface } from "ethers";
import type { Exogenous, Progress } from "../market.ts";
import { type Hex, HOUR_MS, type UnixMillis, unixMillis } from "../units.ts";
import { type EvmNode, fetchBlocks, toQuantity } from "./evm.ts";
import { RpcRefusedError } from "./evm-errors.ts";
import { toExogenous } from "./evm-series.ts";

const POOL = new Interface([
  `event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1,
     uint160 sqrtPriceX96, uint128 liquidity, int24 tick)`,
]);

/** One swap, signed from the pool's side: what it received is positive, what it paid is negative. */
export interface PoolSwap {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly txHash: Hex;
  readonly time: UnixMillis;
  readonly sender: Hex;
  readonly recipient: Hex;
  /** Smallest units. */
  readonly amount0: bigint;
  readonly amount1: bigint;
  /** After the swap. */
  readonly sqrtPriceX96: bigint;
  readonly liquidity: bigint;
  readonly tick: number;
}

export interface SwapRange {
  readonly pool: Hex;
  /** Both inclusive. */
  readonly fromBlock: number;
  readonly toBlock: number;
  /** Widest range asked for at once; 2,000 where absent. Halved whenever the node refuses. */
  readonly chunkBlocks?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

interface RawLog {
  readonly blockNumber: string;
  readonly logIndex: string;
  readonly transactionHash: Hex;
  readonly topics: readonly string[];
  readonly data: string;
  readonly removed?: boolean;
}

/**
 * All swaps of a pool in a range of blocks, in their order.
 * @throws RpcRefusedError where the node refuses even a single block
 */
export const fetchPoolSwaps = async (node: EvmNode, range: SwapRange): Promise<readonly PoolSwap[]> => {
  const { pool, fromBlock, toBlock, chunkBlocks = 2_000, onProgress, signal } = range;
  const logs: RawLog[] = [];
  const topics = [POOL.getEvent("Swap")!.topicHash];
  let width = chunkBlocks;
  for (let from = fromBlock; from <= toBlock; ) {
    signal?.throwIfAborted();
    const to = Math.min(toBlock, from + width - 1);
    const filter = { address: pool, topics, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    try {
      for (const log of (await node.request("eth_getLogs", [filter])) as RawLog[]) logs.push(log);
    } catch (error) {
      // Nodes word it in a dozen ways: too many results, too many blocks, too large an answer. Asking for less cures
      // every one of them, and what it does not cure shows at a single block.
      if (!(error instanceof RpcRefusedError) || to === from) throw error;
      width = Math.ceil((to - from + 1) / 2);
      continue;
    }
    onProgress?.({ done: to - fromBlock + 1, total: toBlock - fromBlock + 1, label: "swaps" });
    from = to + 1;
    width = Math.min(chunkBlocks, width * 2);
  }
  const kept = logs.filter((log) => log.removed !== true);
  const blocks = await fetchBlocks(node, [...new Set(kept.map((log) => Number(log.blockNumber)))], signal);
  const times = new Map(blocks.map(({ number, time }) => [number, time]));
  return kept.map((log) => toSwap(log, times.get(Number(log.blockNumber))!));
};

const toSwap = (log: RawLog, time: UnixMillis): PoolSwap => {
  const { args } = POOL.parseLog({ topics: [...log.topics], data: log.data })!;
  return {
    blockNumber: Number(log.blockNumber),
    logIndex: Number(log.logIndex),
    txHash: log.transactionHash,
    time,
    sender: args.sender,
    recipient: args.recipient,
    amount0: args.amount0,
    amount1: args.amount1,
    sqrtPriceX96: args.sqrtPriceX96,
    liquidity: args.liquidity,
    tick: Number(args.tick),
  };
};

/** What flowed through a pool in [time, time + interval), in whole tokens, from the pool's side. */
export interface PoolFlow {
  readonly time: UnixMillis;
  readonly swaps: number;
  /** Received minus paid. */
  readonly net0: number;
  readonly net1: number;
  /** Received plus paid. */
  readonly gross0: number;
  readonly gross1: number;
}

/** Sums swaps by interval. Intervals without a swap are absent. */
export const toPoolFlows = (
  swaps: readonly PoolSwap[],
  decimals: { readonly token0: number; readonly token1: number },
  intervalMs = HOUR_MS,
): readonly PoolFlow[] => {
  const sums = new Map<
    number,
    { swaps: number; net0: bigint; net1: bigint; gross0: bigint; gross1: bigint }
  >();
  for (const { time, amount0, amount1 } of swaps) {
    const start = Math.floor(time / intervalMs) * intervalMs;
    const sum = sums.get(start) ?? { swaps: 0, net0: 0n, net1: 0n, gross0: 0n, gross1: 0n };
    sum.swaps += 1;
    sum.net0 += amount0;
    sum.net1 += amount1;
    sum.gross0 += amount0 < 0n ? -amount0 : amount0;
    sum.gross1 += amount1 < 0n ? -amount1 : amount1;
    sums.set(start, sum);
  }
  const to0 = (units: bigint): number => Number(units) / 10 ** decimals.token0;
  const to1 = (units: bigint): number => Number(units) / 10 ** decimals.token1;
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([start, sum]) => ({
      time: unixMillis(start),
      swaps: sum.swaps,
      net0: to0(sum.net0),
      net1: to1(sum.net1),
      gross0: to0(sum.gross0),
      gross1: to1(sum.gross1),
    }));
};

/** A pool's flows of one token as series, public once their interval has ended: `uniswap.<pool>.net`, `….gross`. */
export const toFlowSeries = (
  pool: string,
  unit: string,
  flows: readonly PoolFlow[],
  token: 0 | 1,
  intervalMs = HOUR_MS,
): readonly Exogenous[] =>
  (["net", "gross"] as const).map((kind) =>
    toExogenous(
      `uniswap.${pool}.${kind}`,
      unit,
      flows.map((flow) => ({ publishedAt: flow.time + intervalMs, value: flow[`${kind}${token}`] })),
    ),
  );
