import type { Exogenous, Progress } from "../market.ts";
import { type EvmNode, fetchBlocks, toQuantity } from "./evm.ts";
import { RpcRefusedError } from "./evm-errors.ts";
import { type Observation, toExogenous } from "./evm-series.ts";

export interface BaseFeeRange {
  /** Both inclusive. */
  readonly fromBlock: number;
  readonly toBlock: number;
  /**
   * Block headers are read for every so many blocks only, as they are what costs requests; 25 where absent. A base
   * fee is dated by the next header read: late by less than that many blocks, and never early.
   */
  readonly dateEvery?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** The most that `eth_feeHistory` answers. */
const PAGE_BLOCKS = 1_024;
const GWEI = 1e9;

/**
 * Base fee of every block in a range, in gwei, as the series `base_fee_gwei`. Where several blocks share a date,
 * the last of them stands for all.
 * @throws RpcRefusedError, also where the node does not keep fees that far back
 */
export const fetchBaseFees = async (node: EvmNode, range: BaseFeeRange): Promise<Exogenous> => {
  const { fromBlock, toBlock, dateEvery = 25, onProgress, signal } = range;
  const observations: Observation[] = [];
  for (let from = fromBlock; from <= toBlock; ) {
    signal?.throwIfAborted();
    const to = Math.min(toBlock, from + PAGE_BLOCKS - 1);
    const fees = await fetchPage(node, from, to);
    const dated = [...fees.keys()].map((i) => from + i).filter((block) => isDated(block, to, dateEvery));
    const headers = await fetchBlocks(node, dated, signal);
    let next = 0;
    for (const [i, fee] of fees.entries()) {
      while (headers[next]!.number < from + i) next += 1;
      observations.push({ publishedAt: headers[next]!.time, value: Number(fee) / GWEI });
    }
    onProgress?.({ done: to - fromBlock + 1, total: toBlock - fromBlock + 1, label: "base fees" });
    from = to + 1;
  }
  return toExogenous("base_fee_gwei", "gwei", observations);
};

const isDated = (block: number, pageEnd: number, every: number): boolean =>
  block === pageEnd || block % every === 0;

/** Base fees of the blocks from..to, wei. */
const fetchPage = async (node: EvmNode, from: number, to: number): Promise<readonly bigint[]> => {
  const count = to - from + 1;
  const page = (await node.request("eth_feeHistory", [toQuantity(count), toQuantity(to), []])) as {
    readonly oldestBlock: string;
    /** One more than blocks: the last is the fee of the block after them. */
    readonly baseFeePerGas: readonly string[];
  };
  if (Number(page.oldestBlock) !== from || page.baseFeePerGas.length < count) {
    const reason = `asked for blocks ${from} to ${to}, it answered from ${Number(page.oldestBlock)} on`;
    throw new RpcRefusedError(node.endpoint, "eth_feeHistory", reason);
  }
  return page.baseFeePerGas.slice(0, count).map(BigInt);
};
