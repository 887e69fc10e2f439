/** The readers of chains in `data` against the devnet in `contracts`: every number is one that was put there. */
import { DECISION_SCHEMA } from "@ballast/attest";
import {
  type Devnet,
  type DevnetConfig,
  devFeedArtifact,
  devTokenArtifact,
  startDevnet,
} from "@ballast/contracts";
import {
  CallRevertedError,
  connectEvm,
  type EvmNode,
  fetchAaveReserve,
  fetchBaseFees,
  fetchBlockAt,
  fetchChainlinkRounds,
  fetchPoolState,
  fetchPoolSwaps,
  type Hex,
  NoContractError,
  PoolHistoryTooShortError,
  RpcRefusedError,
  toFeedSeries,
  toFlowSeries,
  toPoolFlows,
  toReserveSeries,
  UnexpectedAnswerError,
  unixMillis,
  WrongChainError,
} from "@ballast/data";
import { Contract, ContractFactory, MaxUint256, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

const PERCENT = 10n ** 16n;
const HOUR = 3_600;
const START = 462_000 * HOUR;
const GWEI = 1_000_000_000n;

const CONFIG: DevnetConfig = {
  base: { symbol: "USDC", decimals: 6 },
  assets: [
    {
      symbol: "BTC",
      decimals: 8,
      price: 20_000,
      poolFee: 500,
      targetWeight: 40n * PERCENT,
      band: 5n * PERCENT,
    },
    {
      symbol: "ETH",
      decimals: 18,
      price: 1_300,
      poolFee: 3_000,
      targetWeight: 40n * PERCENT,
      band: 5n * PERCENT,
    },
  ],
  baseTargetWeight: 20n * PERCENT,
  baseBand: 5n * PERCENT,
  navUsd: 1_000_000,
  poolDepthUsd: 5_000_000,
  startTime: START,
  decisionSchema: DECISION_SCHEMA,
  vault: {
    cooldownSeconds: HOUR,
    maxTurnover: 50n * PERCENT,
    maxSlippage: PERCENT,
    maxOracleAgeSeconds: 7_200,
  },
  withAave: true,
};

/** Hour by hour. */
const MOMENTS = Array.from({ length: 40 }, (_, i) => ({
  time: START + i * HOUR,
  prices: [20_000 * (1 + 0.01 * Math.sin(i + 1)), 1_300 * (1 + 0.02 * Math.cos(i))],
  baseFeeWei: GWEI * BigInt(10 + ((7 * i) % 13)),
}));

/** The devnet moves its pools in a block of its own, this long before it reports the prices in the next. */
const POOLS_AHEAD = 300;
const BLOCKS = 2 * MOMENTS.length;
/** Block in which the prices of a moment are reported; the one before it moves the pools. */
const reportOf = (moment: number): number => firstBlock + 2 * moment + 1;

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let devnet: Devnet;
let node: EvmNode;
let firstBlock: number;
beforeAll(async () => {
  devnet = await startDevnet(CONFIG);
  node = await connectEvm({ provider: devnet.provider, chainId: devnet.chainId });
  firstBlock = (await node.block("latest")).number + 1;
  for (const moment of MOMENTS) await devnet.setMarket(moment);
});
afterAll(() => devnet.stop());

describe("fetchPoolState", () => {
  test("default: price, decimals and fee are those of the market, in either order of tokens", async () => {
    const last = MOMENTS.at(-1)!;
    for (const [i, price] of last.prices.entries()) {
      const listing = devnet.listings[i + 1]!;
      const state = await fetchPoolState(node, { pool: listing.pool! });
      const [assetPrice, inverse] = listing.isToken0
        ? [state.price0In1, state.price1In0]
        : [state.price1In0, state.price0In1];
      expect(assetPrice / price).toBeCloseTo(1, 9);
      expect(inverse * price).toBeCloseTo(1, 9);
      const asset = listing.isToken0 ? state.token0 : state.token1;
      expect(asset).toEqual({ address: listing.token, decimals: listing.decimals });
      expect(state.time).toBe(last.time * 1_000);
      expect([state.fee, state.tickSpacing]).toEqual([listing.poolFee, listing.poolFee === 500 ? 10 : 60]);
      expect(state.liquidity > 0n).toBe(true);
      expect(Number(state.priceX96) / Number(state.sqrtPriceX96) ** 2).toBeCloseTo(2 ** -96, 40);
      expect(Math.floor(Math.log((Number(state.sqrtPriceX96) / 2 ** 96) ** 2) / Math.log(1.0001))).toBe(
        state.tick,
      );
    }
  });

  test("behaviour: pinned to a past block, it is the price of then", async () => {
    const { pool, isToken0 } = devnet.listings[1]!;
    for (const i of [0, 17]) {
      const state = await fetchPoolState(node, { pool: pool!, block: reportOf(i) });
      expect((isToken0 ? state.price0In1 : state.price1In0) / MOMENTS[i]!.prices[0]!).toBeCloseTo(1, 9);
      expect(state.time).toBe(MOMENTS[i]!.time * 1_000);
    }
  });

  test("behaviour: the average over three hours is the mean of the three hours' ticks", async () => {
    const pool = devnet.listings[2]!.pool!;
    const last = MOMENTS.length - 1;
    const ticks = await Promise.all(
      [3, 2, 1, 0].map(
        async (ago) => (await fetchPoolState(node, { pool, block: reportOf(last - ago) })).tick,
      ),
    );
    // Each hour's price came to the pool a little before the hour.
    const seconds = [HOUR - POOLS_AHEAD, HOUR, HOUR, POOLS_AHEAD];
    const sum = ticks.reduce((total, tick, i) => total + tick * seconds[i]!, 0);
    const { twap } = await fetchPoolState(node, { pool, block: reportOf(last), twapSeconds: 3 * HOUR });
    expect(twap?.tick).toBe(Math.floor(sum / (3 * HOUR)));
  });

  test("error: an average over more than the pool remembers", async () => {
    const reading = fetchPoolState(node, { pool: devnet.listings[1]!.pool!, twapSeconds: 90 * 24 * HOUR });
    await expect(reading).rejects.toThrow(PoolHistoryTooShortError);
  });

  test("error: an address without code, and a contract that is no pool", async () => {
    const nobody = new Wallet(devnet.keys.stranger).address as Hex;
    await expect(fetchPoolState(node, { pool: nobody })).rejects.toThrow(NoContractError);
    await expect(fetchPoolState(node, { pool: devnet.listings[0]!.token })).rejects.toThrow(
      CallRevertedError,
    );
    // A lone STOP answers every call with nothing.
    await devnet.provider.send("anvil_setCode", [nobody, "0x00"]);
    await expect(fetchPoolState(node, { pool: nobody })).rejects.toThrow(UnexpectedAnswerError);
  });
});

describe("fetchPoolSwaps", () => {
  const range = () => ({
    pool: devnet.listings[1]!.pool!,
    fromBlock: firstBlock,
    toBlock: firstBlock + BLOCKS - 1,
  });

  test("default: one swap for each move of the market, ending at its price", async () => {
    const swaps = await fetchPoolSwaps(node, range());
    expect(swaps.map((swap) => swap.time)).toEqual(
      MOMENTS.map((moment) => (moment.time - POOLS_AHEAD) * 1_000),
    );
    for (const swap of swaps) {
      const state = await fetchPoolState(node, { pool: range().pool, block: swap.blockNumber });
      expect([swap.sqrtPriceX96, swap.tick, swap.liquidity]).toEqual([
        state.sqrtPriceX96,
        state.tick,
        state.liquidity,
      ]);
      expect(swap.sender).toBe(devnet.addresses.market);
      expect(swap.amount0 > 0n).toBe(swap.amount1 < 0n);
    }
  });

  test("behaviour: amounts add up to the change of the pool's balances", async () => {
    const { pool, fromBlock, toBlock } = range();
    const swaps = await fetchPoolSwaps(node, { ...range(), fromBlock: fromBlock + 1 });
    const { token0, token1 } = await fetchPoolState(node, { pool });
    for (const [token, key] of [
      [token0, "amount0"],
      [token1, "amount1"],
    ] as const) {
      const contract = new Contract(token.address, devTokenArtifact.abi, devnet.provider);
      const [before, after] = await Promise.all(
        [fromBlock, toBlock].map((blockTag) => contract.balanceOf!(pool, { blockTag })),
      );
      expect(swaps.reduce((sum, swap) => sum + swap[key], 0n)).toBe(after - before);
    }
  });

  test("behaviour: a swap through the router is seen with its exact amounts", async () => {
    const keeper = new Wallet(devnet.keys.keeper, devnet.provider);
    const [base, bitcoin] = [devnet.listings[0]!, devnet.listings[1]!];
    const token = new Contract(base.token, devTokenArtifact.abi, keeper);
    const amountIn = 5_000_000_000n;
    await (await token.mint!(keeper.address, amountIn)).wait();
    await (await token.approve!(devnet.addresses.router, MaxUint256)).wait();
    const struct =
      "(address tokenIn, address tokenOut, uint24 fee, address recipient, uint256 deadline, uint256 amountIn, " +
      "uint256 amountOutMinimum, uint160 limit)";
    const router = new Contract(
      devnet.addresses.router,
      [`function exactInputSingle(${struct}) payable returns (uint256)`],
      keeper,
    );
    const params = [base.token, bitcoin.token, bitcoin.poolFee, keeper.address, MaxUint256, amountIn, 0n, 0n];
    const receipt = await (await router.exactInputSingle!(params)).wait();
    const block = receipt.blockNumber;
    const swaps = await fetchPoolSwaps(node, { pool: bitcoin.pool!, fromBlock: block, toBlock: block });
    const received: bigint = await new Contract(bitcoin.token, devTokenArtifact.abi, keeper).balanceOf!(
      keeper,
    );
    expect(swaps).toHaveLength(1);
    const { amount0, amount1, recipient, txHash } = swaps[0]!;
    expect(bitcoin.isToken0 ? [amount1, -amount0] : [amount0, -amount1]).toEqual([amountIn, received]);
    expect([recipient, txHash]).toEqual([keeper.address, receipt.hash]);
  });

  test("behaviour: a node that refuses wide ranges is asked for less, and nothing is lost", async () => {
    const asked: number[] = [];
    const strict: EvmNode = {
      ...node,
      request: async (method, params) => {
        const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
        const width = Number(toBlock) - Number(fromBlock) + 1;
        asked.push(width);
        if (width > 7)
          throw new RpcRefusedError(node.endpoint, method, "query returned more than 10000 results");
        return node.request(method, params);
      },
    };
    expect(await fetchPoolSwaps(strict, range())).toEqual(await fetchPoolSwaps(node, range()));
    expect(asked[0]).toBe(BLOCKS);
  });

  test("error: a node that refuses a single block", async () => {
    const shut: EvmNode = {
      ...node,
      request: (method) => Promise.reject(new RpcRefusedError(node.endpoint, method, "no logs here")),
    };
    await expect(fetchPoolSwaps(shut, range())).rejects.toThrow("no logs here");
  });

  test("behaviour: flows are the sums of an hour's swaps, public when the hour has ended", async () => {
    const { pool } = range();
    // Without the first, which came before the hour, and the last three: whole stretches of four hours.
    const swaps = (await fetchPoolSwaps(node, range())).slice(1, -3);
    const { token0, token1 } = await fetchPoolState(node, { pool });
    const flows = toPoolFlows(swaps, { token0: token0.decimals, token1: token1.decimals }, 4 * HOUR * 1_000);
    expect(flows.length).toBe(MOMENTS.length / 4 - 1);
    for (const [i, flow] of flows.entries()) {
      let [net, gross] = [0, 0];
      for (const { amount0 } of swaps.slice(4 * i, 4 * i + 4)) {
        net += Number(amount0) / 10 ** token0.decimals;
        gross += Math.abs(Number(amount0)) / 10 ** token0.decimals;
      }
      expect(flow.swaps).toBe(4);
      expect(flow.net0).toBeCloseTo(net, 6);
      expect(flow.gross0).toBeCloseTo(gross, 6);
    }
    const [net] = toFlowSeries("btc_usdc", "token0", flows, 0, 4 * HOUR * 1_000);
    expect(net?.name).toBe("uniswap.btc_usdc.net");
    expect([...net!.publishedAt]).toEqual(flows.map((flow) => flow.time + 4 * HOUR * 1_000));
    expect([...net!.value]).toEqual(flows.map((flow) => flow.net0));
  });
});

describe("fetchBaseFees", () => {
  test("default: every block's base fee at its block's time", async () => {
    const range = { fromBlock: firstBlock, toBlock: firstBlock + BLOCKS - 1 };
    const fees = await fetchBaseFees(node, { ...range, dateEvery: 1 });
    expect([fees.name, fees.unit]).toEqual(["base_fee_gwei", "gwei"]);
    expect([...fees.publishedAt]).toEqual(
      MOMENTS.flatMap(({ time }) => [(time - POOLS_AHEAD) * 1_000, time * 1_000]),
    );
    const reported = MOMENTS.map(({ baseFeeWei }) => Number(baseFeeWei / GWEI));
    expect([...fees.value].filter((_, i) => i % 2 === 1)).toEqual(reported);
    // The pools move at the fee of the hour before.
    expect([...fees.value].filter((_, i) => i > 0 && i % 2 === 0)).toEqual(reported.slice(0, -1));
  });

  test("behaviour: with fewer headers, no value is dated before it was public", async () => {
    const range = { fromBlock: firstBlock, toBlock: firstBlock + BLOCKS - 1 };
    const fees = await fetchBaseFees(node, { ...range, dateEvery: 7 });
    expect(fees.publishedAt.length).toBeLessThan(BLOCKS / 5);
    for (const [i, publishedAt] of fees.publishedAt.entries()) {
      // The fee of the last moment reported by then.
      const moment = MOMENTS.findLast(({ time }) => time * 1_000 <= publishedAt)!;
      expect(fees.value[i]).toBe(Number(moment.baseFeeWei / GWEI));
    }
    expect(fees.publishedAt.at(-1)).toBe(MOMENTS.at(-1)!.time * 1_000);
  });

  test("error: blocks that are not there yet", async () => {
    const { number } = await node.block("latest");
    await expect(fetchBaseFees(node, { fromBlock: number, toBlock: number + 50 })).rejects.toThrow(
      RpcRefusedError,
    );
  });
});

describe("fetchChainlinkRounds", () => {
  test("default: the rounds that were reported, oldest first, and their age", async () => {
    const feed = devnet.listings[1]!.feed;
    const since = unixMillis(MOMENTS[10]!.time * 1_000);
    const history = await fetchChainlinkRounds(node, { feed, since });
    expect(history.rounds.map((round) => round.updatedAt)).toEqual(
      MOMENTS.slice(10).map(({ time }) => time * 1_000),
    );
    for (const [i, round] of history.rounds.entries()) {
      expect(round.price).toBeCloseTo(MOMENTS[10 + i]!.prices[0]!, 7);
      expect(round.roundId).toBe(history.rounds[0]!.roundId + BigInt(i));
    }
    const { time } = await node.block("latest");
    expect(history.stalenessSeconds).toBe(time / 1_000 - MOMENTS.at(-1)!.time);
    expect([history.description, history.decimals, history.isPhaseStart]).toEqual(["BTC / USD", 8, false]);
    expect([...toFeedSeries("BTC", history).value]).toEqual(history.rounds.map((round) => round.price));
  });

  test("behaviour: a time between two rounds includes the round that was in force", async () => {
    const feed = devnet.listings[2]!.feed;
    const since = unixMillis(MOMENTS[30]!.time * 1_000 + 1);
    const { rounds } = await fetchChainlinkRounds(node, { feed, since });
    expect(rounds[0]?.updatedAt).toBe(MOMENTS[30]!.time * 1_000);
    expect((await fetchChainlinkRounds(node, { feed, since, maxRounds: 3 })).rounds).toEqual(
      rounds.slice(-3),
    );
  });

  test("behaviour: the walk stops at the first round of the phase, and says so", async () => {
    const owner = new Wallet(devnet.keys.owner, devnet.provider);
    const checkpoint = await devnet.checkpoint();
    const factory = new ContractFactory(devFeedArtifact.abi, devFeedArtifact.bytecode, owner);
    const deployed = await factory.deploy("X / USD", owner.address);
    await deployed.waitForDeployment();
    const feed = new Contract(await deployed.getAddress(), devFeedArtifact.abi, owner);
    await (await feed.report!(111n)).wait();
    await (await feed.beginPhase!()).wait();
    for (const answer of [222n, 333n]) await (await feed.report!(answer)).wait();
    const history = await fetchChainlinkRounds(node, {
      feed: (await feed.getAddress()) as Hex,
      since: unixMillis(0),
    });
    await devnet.restore(checkpoint);
    expect(history.rounds.map((round) => round.answer)).toEqual([222n, 333n]);
    expect(history.rounds[0]?.roundId).toBe((2n << 64n) + 1n);
    expect(history.isPhaseStart).toBe(true);
  });
});

describe.each(["v2", "v3"] as const)("fetchAaveReserve on the real Aave %s", (version) => {
  const request = () => ({
    dataProvider: devnet.aave![version].dataProvider,
    asset: devnet.listings[0]!.token,
  });
  /** Supply and debt as the market's own tokens count them, whole. */
  const readTokens = async (blockTag: number): Promise<readonly [supplied: number, borrowed: number]> => {
    const tokens = "function getReserveTokensAddresses(address) view returns (address, address, address)";
    const provider = new Contract(request().dataProvider, [tokens], devnet.provider);
    const [aToken, stableDebt, variableDebt] = await provider.getReserveTokensAddresses!(request().asset);
    const supplies = await Promise.all(
      [aToken, stableDebt, variableDebt].map((token) =>
        new Contract(token, devTokenArtifact.abi, devnet.provider).totalSupply!({ blockTag }),
      ),
    );
    const [supplied, stable, variable] = supplies.map((supply) => Number(supply) / 1e6);
    return [supplied!, stable! + variable!];
  };

  test("default: ten million supplied, four borrowed, and the rates that follow from it", async () => {
    const reserve = await fetchAaveReserve(node, { ...request(), block: firstBlock - 1 });
    expect([reserve.version, reserve.decimals]).toEqual([version === "v2" ? 2 : 3, 6]);
    expect(Number(reserve.supplied) / 1e6).toBeCloseTo(10_000_000, 0);
    expect(Number(reserve.borrowed) / 1e6).toBeCloseTo(4_000_000, 0);
    expect(reserve.utilisation).toBeCloseTo(0.4, 6);
    // Below the kink: 40 % / 80 % × 4 % a year; suppliers get that on 40 %, less a reserve factor of a tenth.
    expect(reserve.variableBorrowRateAnnual).toBeCloseTo(0.02, 6);
    expect(reserve.supplyRateAnnual).toBeCloseTo(0.02 * 0.4 * 0.9, 6);
  });

  test("behaviour: utilisation is borrowed over supplied, as the market's tokens count them", async () => {
    const { number } = await node.block("latest");
    const reserve = await fetchAaveReserve(node, { ...request(), block: number });
    const [supplied, borrowed] = await readTokens(number);
    expect(borrowed).toBeGreaterThan(4_000_000); // 39 hours of interest
    expect(Number(reserve.borrowed) / 1e6).toBeCloseTo(borrowed, 0);
    // Of the interest, a tenth belongs to the treasury: supplied in v2's sense, but not yet in aTokens.
    expect(Math.abs(Number(reserve.supplied) / 1e6 / supplied - 1)).toBeLessThan(1e-5);
    expect(reserve.utilisation).toBe(Number(reserve.borrowed) / Number(reserve.supplied));
    expect(reserve.utilisation).toBeCloseTo(borrowed / supplied, 5);
  });

  test("behaviour: a further million borrowed raises it by a tenth, and gives a series", async () => {
    const before = await fetchAaveReserve(node, request());
    const owner = new Wallet(devnet.keys.owner, devnet.provider);
    const borrow = "function borrow(address, uint256, uint256, uint16, address)";
    const pool = new Contract(devnet.aave![version].pool, [borrow], owner);
    await (await pool.borrow!(request().asset, 1_000_000_000_000n, 2, 0, owner.address)).wait();
    const after = await fetchAaveReserve(node, request());
    expect(after.utilisation - before.utilisation).toBeCloseTo(0.1, 4);
    expect(after.variableBorrowRateAnnual).toBeCloseTo((after.utilisation / 0.8) * 0.04, 6);
    const [utilisation, rate] = toReserveSeries("USDC", [after, before]);
    expect([utilisation?.name, rate?.name]).toEqual(["aave.usdc.utilisation", "aave.usdc.borrow_rate"]);
    expect([...utilisation!.publishedAt]).toEqual([before.time, after.time]);
    expect([...utilisation!.value]).toEqual([before.utilisation, after.utilisation]);
  });

  test("default: an empty reserve has a utilisation of zero", async () => {
    const { token } = devnet.listings[1]!;
    const reserve = await fetchAaveReserve(node, { ...request(), asset: token });
    expect([reserve.supplied, reserve.borrowed, reserve.utilisation]).toEqual([0n, 0n, 0]);
  });
});

test("error: fetchAaveReserve refuses an answer of neither length", async () => {
  const dataProvider = new Wallet(devnet.keys.attester).address as Hex;
  // PUSH1 32 PUSH1 0 RETURN: one word of zero to every call.
  await devnet.provider.send("anvil_setCode", [dataProvider, "0x60206000f3"]);
  const reading = fetchAaveReserve(node, { dataProvider, asset: devnet.listings[0]!.token });
  await expect(reading).rejects.toThrow(UnexpectedAnswerError);
  await devnet.provider.send("anvil_setCode", [dataProvider, "0x"]);
});

describe("fetchBlockAt", () => {
  test.each([
    ["the time of a block", 5, 0, 0],
    ["a second before it", 5, -1, -1],
    ["a second after it", 5, 1, 0],
  ])("default: %s", async (_, moment, seconds, blocks) => {
    const block = await fetchBlockAt(node, unixMillis((MOMENTS[moment]!.time + seconds) * 1_000));
    expect(block.number).toBe(reportOf(moment) + blocks);
  });

  test("behaviour: the future is the latest block", async () => {
    expect(await fetchBlockAt(node, unixMillis(1e14))).toEqual(await node.block("latest"));
  });

  test("error: before the chain began", async () => {
    await expect(fetchBlockAt(node, unixMillis(0))).rejects.toThrow("the chain began after");
  });
});

test("error: connectEvm on the wrong chain names both", async () => {
  const error = await connectEvm({ provider: devnet.provider, chainId: 137 }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(WrongChainError);
  expect(error).toMatchObject({ code: "WRONG_CHAIN", expected: 137n, actual: 31_337n });
  expect((error as Error).message).toMatch(/31337.*137/);
});

// Last, for it pushes the states of the earlier blocks out of the node's memory.
describe("after 1,100 more blocks", () => {
  const COUNT = 1_100;
  let fromBlock: number;
  beforeAll(async () => {
    fromBlock = (await node.block("latest")).number + 1;
    await devnet.provider.send("anvil_mine", [`0x${COUNT.toString(16)}`]);
  });

  test("behaviour: base fees of more blocks than a page holds, the last of each dated group", async () => {
    const labels: string[] = [];
    const fees = await fetchBaseFees(node, {
      fromBlock,
      toBlock: fromBlock + COUNT - 1,
      dateEvery: 50,
      onProgress: ({ done, total, label }) => labels.push(`${done}/${total} ${label}`),
    });
    expect(labels).toEqual(["1024/1100 base fees", "1100/1100 base fees"]);
    const dated = Array.from({ length: COUNT }, (_, i) => fromBlock + i).filter(
      (block) => block % 50 === 0 || block === fromBlock + 1_023 || block === fromBlock + COUNT - 1,
    );
    const blocks = await Promise.all(dated.map((block) => node.block(block)));
    expect([...fees.publishedAt]).toEqual(blocks.map(({ time }) => time));
    expect([...fees.value]).toEqual(blocks.map(({ baseFeeWei }) => Number(baseFeeWei) / 1e9));
  });

  test("error: a state that the node has forgotten, with what to do about it", async () => {
    const reading = fetchPoolState(node, { pool: devnet.listings[1]!.pool!, block: firstBlock });
    await expect(reading).rejects.toThrow(/refused eth_call: .* needs an archive node/);
  });
});
