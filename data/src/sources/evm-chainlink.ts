import { Interface } from "ethers";
import type { Exogenous } from "../market.ts";
import { type Hex, type UnixMillis, unixMillis } from "../units.ts";
import type { BlockTag, EvmNode } from "./evm.ts";
import { CallRevertedError } from "./evm-errors.ts";
import { toExogenous } from "./evm-series.ts";

const ROUND = "(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)";
/** Chainlink's AggregatorV3Interface. */
const FEED = new Interface([
  "function decimals() view returns (uint8)",
  "function description() view returns (string)",
  `function latestRoundData() view returns ${ROUND}`,
  `function getRoundData(uint80 roundId) view returns ${ROUND}`,
]);

export interface ChainlinkRound {
  /** Phase in the upper 16 bits, round within the phase in the lower 64. */
  readonly roundId: bigint;
  /** In units of 10^-decimals. */
  readonly answer: bigint;
  readonly price: number;
  readonly updatedAt: UnixMillis;
}

export interface ChainlinkHistory {
  readonly feed: Hex;
  readonly description: string;
  readonly decimals: number;
  /** Oldest first; the last one is the latest. */
  readonly rounds: readonly ChainlinkRound[];
  /** Age of the latest answer at the block it was read at, seconds. */
  readonly stalenessSeconds: number;
  /** Whether the walk ended at the first round of the present phase: older rounds lie with an earlier aggregator. */
  readonly isPhaseStart: boolean;
}

export interface ChainlinkRange {
  readonly feed: Hex;
  /** Walks back until a round that is no younger than this, which is included: it was in force then. */
  readonly since: UnixMillis;
  /** Most rounds read; 100,000 where absent. */
  readonly maxRounds?: number;
  readonly block?: BlockTag;
  readonly signal?: AbortSignal;
}

const ROUNDS_AT_ONCE = 20;
const ROUND_IN_PHASE = (1n << 64n) - 1n;

/**
 * The latest round of a Chainlink feed and those before it. Rounds that were begun and never answered are left out,
 * as are those that the aggregator no longer holds.
 * @throws what `EvmNode.read` throws
 */
export const fetchChainlinkRounds = async (
  node: EvmNode,
  range: ChainlinkRange,
): Promise<ChainlinkHistory> => {
  const { feed, since, maxRounds = 100_000, block = "latest", signal } = range;
  const { number, time } = await node.block(block);
  const read = (name: string, args: readonly unknown[] = []) =>
    node.read({ to: feed, face: FEED, name, args, block: number });
  const [[decimals], [description], latestAnswer] = await Promise.all([
    read("decimals"),
    read("description"),
    read("latestRoundData"),
  ]);
  const toRound = ([roundId, answer, , updatedAt]: readonly unknown[]): ChainlinkRound => ({
    roundId: roundId as bigint,
    answer: answer as bigint,
    price: Number(answer) / 10 ** Number(decimals),
    updatedAt: unixMillis(Number(updatedAt) * 1_000),
  });
  const fetchRound = async (roundId: bigint): Promise<ChainlinkRound | undefined> => {
    try {
      const round = toRound(await read("getRoundData", [roundId]));
      return round.updatedAt === 0 ? undefined : round;
    } catch (error) {
      if (error instanceof CallRevertedError) return undefined;
      throw error;
    }
  };

  const latest = toRound(latestAnswer);
  const newestFirst = [latest];
  const isEnough = (): boolean => newestFirst.at(-1)!.updatedAt <= since || newestFirst.length >= maxRounds;
  const phase = latest.roundId & ~ROUND_IN_PHASE;
  let next = latest.roundId - 1n;
  while (next > phase && !isEnough()) {
    signal?.throwIfAborted();
    const ids: bigint[] = [];
    for (; ids.length < ROUNDS_AT_ONCE && next > phase; next -= 1n) ids.push(next);
    for (const round of await Promise.all(ids.map(fetchRound))) {
      if (round !== undefined && !isEnough()) newestFirst.push(round);
    }
  }
  return {
    feed,
    description: String(description),
    decimals: Number(decimals),
    rounds: newestFirst.toReversed(),
    stalenessSeconds: (time - latest.updatedAt) / 1_000,
    isPhaseStart: next === phase && !isEnough(),
  };
};

/** A feed's answers as a series, each public from its own update on: `chainlink.<asset>.price`. */
export const toFeedSeries = (asset: string, { rounds }: ChainlinkHistory): Exogenous =>
  toExogenous(
    `chainlink.${asset.toLowerCase()}.price`,
    "USD",
    rounds.map(({ updatedAt, price }) => ({ publishedAt: updatedAt, value: price })),
  );
