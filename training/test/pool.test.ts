import { DECISION_SCHEMA } from "@ballast/attest";
import { DEV_MNEMONIC, type Devnet, startDevnet } from "@ballast/contracts";
import { Contract, HDNodeWallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PoolState, swapExactIn } from "../src/backtest/pool.ts";

const PERCENT = 10n ** 16n;
const START = 462_000 * 3_600;
const DOLLARS: Readonly<Record<string, number>> = { BTC: 20_000.5, ETH: 1_300.25, DOGE: 0.0625 };
const asset = (symbol: string, decimals: number, poolFee: 100 | 500 | 3000) => ({
  symbol,
  decimals,
  price: DOLLARS[symbol]!,
  poolFee,
  targetWeight: 20n * PERCENT,
  band: 5n * PERCENT,
});
const POOL_ABI = [
  "function slot0() view returns (uint160 sqrtPriceX96, int24 tick, uint16, uint16, uint16, uint8, bool)",
  "function liquidity() view returns (uint128)",
  "function tickSpacing() view returns (int24)",
  "function ticks(int24) view returns (uint128 gross, int128 net, uint256, uint256, int56, uint160, uint32, bool)",
];
const QUOTER_ABI = [
  `function quoteExactInputSingle((address tokenIn, address tokenOut, uint256 amountIn, uint24 fee, uint160 limit))
     returns (uint256 amountOut, uint160 sqrtPriceX96After, uint32 ticks, uint256 gas)`,
];
const TOKEN_ABI = [
  "function mint(address to, uint256 amount)",
  "function approve(address, uint256) returns (bool)",
];
const MANAGER_ABI = [
  `function mint((address token0, address token1, uint24 fee, int24 lower, int24 upper, uint256 amount0, uint256 amount1,
     uint256 least0, uint256 least1, address to, uint256 deadline)) returns (uint256, uint128, uint256, uint256)`,
];

describe("swapExactIn against the pool's published bytecode", () => {
  let devnet: Devnet;
  const ranges = new Map<string, Set<number>>();
  beforeAll(async () => {
    devnet = await startDevnet({
      base: { symbol: "USDC", decimals: 6 },
      assets: [asset("BTC", 8, 500), asset("ETH", 18, 3000), asset("DOGE", 8, 100)],
      baseTargetWeight: 40n * PERCENT,
      baseBand: 5n * PERCENT,
      navUsd: 1_000_000,
      poolDepthUsd: 5_000_000,
      startTime: START,
      decisionSchema: DECISION_SCHEMA,
      vault: {
        cooldownSeconds: 3600,
        maxTurnover: 50n * PERCENT,
        maxSlippage: PERCENT,
        maxOracleAgeSeconds: 7200,
      },
    });
    // Narrow positions beside the full range, so that swaps cross ticks both ways.
    const owner = HDNodeWallet.fromPhrase(DEV_MNEMONIC, undefined, "m/44'/60'/0'/0/3").connect(
      devnet.provider,
    );
    const base = devnet.listings[0]!;
    for (const listing of devnet.listings.slice(1)) {
      const pool = new Contract(listing.pool!, POOL_ABI, devnet.provider);
      const spacing = Number(await pool.tickSpacing!());
      const tick = Number((await pool.slot0!()).tick);
      const centre = Math.floor(tick / spacing) * spacing;
      const full = Math.floor(887_272 / spacing) * spacing;
      const initialised = new Set([-full, full]);
      const [token0, token1] = listing.isToken0 ? [listing, base] : [base, listing];
      for (const token of [token0, token1]) {
        const contract = new Contract(token.token, TOKEN_ABI, owner);
        await (await contract.mint!(owner.address, 10n ** 40n)).wait();
        await (await contract.approve!(devnet.addresses.positionManager, 2n ** 256n - 1n)).wait();
      }
      const manager = new Contract(devnet.addresses.positionManager, MANAGER_ABI, owner);
      for (const [below, above] of [
        [3, 4],
        [40, 30],
        [300, 1],
      ] as const) {
        const [lower, upper] = [centre - below * spacing, centre + above * spacing];
        const [own, money] = [
          (1e6 / DOLLARS[listing.symbol]!) * 10 ** listing.decimals,
          1e6 * 10 ** base.decimals,
        ];
        const wanted = (listing.isToken0 ? [own, money] : [money, own]).map((x) => BigInt(Math.round(x)));
        const pair = [token0.token, token1.token, listing.poolFee, lower, upper];
        const position = [...pair, ...wanted, 0, 0, owner.address, 2n ** 40n];
        await (await manager.mint!(position)).wait();
        initialised.add(lower).add(upper);
      }
      ranges.set(listing.symbol, initialised);
    }
  }, 180_000);
  afterAll(() => devnet?.stop());

  const readPool = async (index: number): Promise<PoolState> => {
    const { pool: address, symbol, poolFee } = devnet.listings[index]!;
    const pool = new Contract(address!, POOL_ABI, devnet.provider);
    const { sqrtPriceX96, tick } = await pool.slot0!();
    const ticks: { tick: number; liquidityNet: bigint }[] = [];
    for (const at of [...ranges.get(symbol)!].sort((a, b) => a - b))
      ticks.push({ tick: at, liquidityNet: (await pool.ticks!(at)).net });
    return {
      sqrtPriceX96,
      tick: Number(tick),
      liquidity: await pool.liquidity!(),
      fee: poolFee,
      tickSpacing: Number(await pool.tickSpacing!()),
      ticks,
    };
  };

  it.each([1, 2, 3])(
    "behaviour: pool %s, both ways, one unit to a hundred million dollars, to the last unit",
    { timeout: 120_000 },
    async (index) => {
      const listing = devnet.listings[index]!;
      const base = devnet.listings[0]!;
      const state = await readPool(index);
      const quoter = new Contract(devnet.addresses.quoter, QUOTER_ABI, devnet.provider);
      const dollars = DOLLARS[listing.symbol]!;
      let crossed = 0;
      for (const [from, to, unit] of [
        [base, listing, 10 ** base.decimals],
        [listing, base, 10 ** listing.decimals / dollars],
      ] as const) {
        for (const value of [1e-3, 1, 997, 31_415.9, 1e6, 7_654_321, 1e8]) {
          const amount = BigInt(Math.ceil(value * unit));
          const quoted = await quoter.quoteExactInputSingle!.staticCall([
            from.token,
            to.token,
            amount,
            listing.poolFee,
            0,
          ]);
          const own = swapExactIn(state, BigInt(from.token) < BigInt(to.token), amount);
          expect(own.amountOut, `${value} dollars of ${from.symbol}`).toBe(quoted.amountOut);
          expect(own.sqrtPriceX96).toBe(quoted.sqrtPriceX96After);
          crossed += Number(quoted.ticks);
        }
      }
      expect(crossed).toBeGreaterThan(3);
    },
  );
});
