import { Interface } from "ethers";
import { BallastError } from "../errors.ts";
import type { Hex, UnixMillis } from "../units.ts";
import type { BlockTag, EvmNode } from "./evm.ts";
import { CallRevertedError } from "./evm-errors.ts";

/** Uniswap v3's pool, whitepaper section 6; the same in its many copies on other chains. */
const POOL = new Interface([
  "function token0() view returns (address)",
  "function token1() view returns (address)",
  "function fee() view returns (uint24)",
  "function tickSpacing() view returns (int24)",
  "function liquidity() view returns (uint128)",
  // The last two fields differ between copies and are not read, so they are not asked for either.
  "function slot0() view returns (uint160 sqrtPriceX96, int24 tick)",
  "function observe(uint32[] secondsAgos) view returns (int56[] tickCumulatives, uint160[] secondsPerLiquidityX128)",
]);
const TOKEN = new Interface(["function decimals() view returns (uint8)"]);

export class PoolHistoryTooShortError extends BallastError {
  readonly code = "POOL_HISTORY_TOO_SHORT";
  readonly pool: Hex;
  readonly seconds: number;
  constructor(pool: Hex, seconds: number) {
    super(
      `pool ${pool} does not remember ${seconds} s: ask for a shorter average, ` +
        "or have `increaseObservationCardinalityNext` called on it and wait",
    );
    this.pool = pool;
    this.seconds = seconds;
  }
}

export interface PoolToken {
  readonly address: Hex;
  readonly decimals: number;
}

/** Time-weighted average over the seconds before the block. */
export interface PoolTwap {
  readonly seconds: number;
  /** Arithmetic mean tick, rounded down: the price is the geometric mean. */
  readonly tick: number;
  readonly price0In1: number;
}

export interface PoolState {
  readonly pool: Hex;
  readonly blockNumber: number;
  readonly time: UnixMillis;
  readonly token0: PoolToken;
  readonly token1: PoolToken;
  /** Hundredths of a bip. */
  readonly fee: number;
  readonly tickSpacing: number;
  readonly tick: number;
  readonly sqrtPriceX96: bigint;
  /** Token1 per token0 in smallest units, × 2^96, rounded down. */
  readonly priceX96: bigint;
  /** Whole token1 for one whole token0. */
  readonly price0In1: number;
  /** Whole token0 for one whole token1. */
  readonly price1In0: number;
  /** In range, L = √(x·y). */
  readonly liquidity: bigint;
  readonly twap: PoolTwap | undefined;
}

/**
 * State of a Uniswap v3 pool at one block.
 * @param twapSeconds Length of a time-weighted average; none is read where absent.
 * @throws PoolHistoryTooShortError, and what `EvmNode.read` throws
 */
export const fetchPoolState = async (
  node: EvmNode,
  { pool, block = "latest", twapSeconds }: { pool: Hex; block?: BlockTag; twapSeconds?: number },
): Promise<PoolState> => {
  const { number, time } = await node.block(block);
  const read = (name: string) => node.read({ to: pool, face: POOL, name, block: number });
  const [sqrtPriceX96, tick] = (await read("slot0")) as [bigint, bigint];
  const [[liquidity], [fee], [tickSpacing], ...tokens] = (await Promise.all(
    ["liquidity", "fee", "tickSpacing", "token0", "token1"].map((name) => read(name)),
  )) as [[bigint], [bigint], [bigint], [Hex], [Hex]];
  const [token0, token1] = (await Promise.all(
    tokens.map(async ([address]) => {
      const [decimals] = await node.read({ to: address, face: TOKEN, name: "decimals", block: number });
      return { address, decimals: Number(decimals) };
    }),
  )) as [PoolToken, PoolToken];

  const toWhole = 10 ** (token0.decimals - token1.decimals);
  const price0In1 = (Number(sqrtPriceX96) / 2 ** 96) ** 2 * toWhole;
  let twap: PoolTwap | undefined;
  if (twapSeconds !== undefined) {
    const tick = await fetchMeanTick(node, pool, twapSeconds, number);
    twap = { seconds: twapSeconds, tick, price0In1: 1.0001 ** tick * toWhole };
  }
  return {
    pool,
    blockNumber: number,
    time,
    token0,
    token1,
    fee: Number(fee),
    tickSpacing: Number(tickSpacing),
    tick: Number(tick),
    sqrtPriceX96,
    priceX96: (sqrtPriceX96 * sqrtPriceX96) >> 96n,
    price0In1,
    price1In0: 1 / price0In1,
    liquidity,
    twap,
  };
};

const fetchMeanTick = async (node: EvmNode, pool: Hex, seconds: number, block: number): Promise<number> => {
  try {
    const [cumulatives] = await node.read({
      to: pool,
      face: POOL,
      name: "observe",
      args: [[seconds, 0]],
      block,
    });
    const [past, now] = cumulatives as [bigint, bigint];
    return Math.floor(Number(now - past) / seconds);
  } catch (error) {
    if (error instanceof CallRevertedError && /\bOLD\b/.test(error.reason)) {
      throw new PoolHistoryTooShortError(pool, seconds);
    }
    throw error;
  }
};
