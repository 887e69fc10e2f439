import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { NoVenueError, totalOf } from "./execution.ts";
import { type PoolTicks, type PoolVenue, poolExecution, toPoolState } from "./pool-execution.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";

const AT = Date.UTC(2023, 0, 1);
const PRIVATE = { kind: "private", leak: 0 } as const;
const through = (venue: PoolVenue) =>
  poolExecution({ venues: { ETH: venue }, route: PRIVATE, attestation: "on-chain" });
const reserve = (dollars: number, fee = 500): PoolVenue => ({ fee, liquidity: { reserve: dollars } });

/** USDC and WETH as they stand on mainnet: the asset is token1, so that ticks fall as its price rises. */
const FULL = 887_220;
const layoutOf = (ranges: readonly (readonly [number, number, bigint])[]): PoolTicks => {
  const net = new Map<number, bigint>();
  for (const [low, high, liquidity] of ranges) {
    net.set(low, (net.get(low) ?? 0n) + liquidity);
    net.set(high, (net.get(high) ?? 0n) - liquidity);
  }
  return {
    ticks: [...net].map(([tick, liquidityNet]) => ({ tick, liquidityNet })).sort((a, b) => a.tick - b.tick),
    tickSpacing: 60,
    isAssetToken0: false,
    assetDecimals: 18,
    baseDecimals: 6,
  };
};

/**
 * The pool's twin in doubles: liquidity in range is constant from tick to tick, and between two of them the swap
 * follows Δ√p = Δy/L and Δ(1/√p) = Δx/L (v3 white paper, eqs. 6.13 and 6.15). `price` is of WETH in dollars.
 */
function twin(layout: PoolTicks, fee: number, dollars: number, price: number): number {
  const rootOf = (tick: number) => 1.0001 ** (tick / 2);
  let root = Math.sqrt(1e12 / price);
  let left = (dollars > 0 ? dollars * 1e6 : (-dollars / price) * 1e18) * (1 - fee);
  let out = 0;
  const isDown = dollars > 0;
  const bounds = layout.ticks.map(({ tick }) => rootOf(tick));
  for (;;) {
    const liquidity = layout.ticks.reduce(
      (sum, { liquidityNet }, i) =>
        (isDown ? bounds[i]! < root : bounds[i]! <= root) ? sum + Number(liquidityNet) : sum,
      0,
    );
    const end = isDown
      ? Math.max(...bounds.filter((bound) => bound < root))
      : Math.min(...bounds.filter((bound) => bound > root));
    const toEnd = isDown ? liquidity * (1 / end - 1 / root) : liquidity * (end - root);
    const taken = Math.min(left, toEnd);
    const next =
      taken === toEnd ? end : isDown ? 1 / (1 / root + taken / liquidity) : root + taken / liquidity;
    out += isDown ? liquidity * (root - next) : liquidity * (1 / root - 1 / next);
    left -= taken;
    root = next;
    if (left <= 0) return dollars > 0 ? (out / 1e18) * price : out / 1e6;
  }
}

describe("poolExecution", () => {
  it("default: a reserve of the base asset is a constant-product pool", () => {
    // Buying for x in R: assets worth x′R/(R + x′) at the price before, x′ = x(1 − f).
    for (const [dollars, price] of [
      [1_000, 1800],
      [250_000, 1800],
      [-250_000, 0.37],
      [-40_000, 61_000],
    ] as const) {
      const x = Math.abs(dollars);
      const net = x * (1 - 0.0005);
      const { fee, impact, spread, mev } = through(reserve(5e6)).swapCosts("ETH", dollars, price, AT);
      expect(fee).toBeCloseTo(x * 0.0005, 5);
      expect(impact).toBeCloseTo(net - (net * 5e6) / (5e6 + net), 4);
      expect([spread, mev]).toEqual([0, 0]);
    }
  });
  it("behaviour: agrees with its twin in doubles, across ticks and both ways", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 900, max: 3000, noNaN: true }),
        fc.double({ min: 1e3, max: 3e6, noNaN: true }),
        fc.boolean(),
        fc.array(fc.tuple(fc.integer({ min: -60, max: 60 }), fc.integer({ min: 1, max: 40 })), {
          maxLength: 5,
        }),
        (price, size, isBuy, ranges) => {
          const centre = Math.round(Math.log(1e12 / price) / Math.log(1.0001) / 60);
          const layout = layoutOf([
            [-FULL, FULL, 10n ** 17n],
            ...ranges.map(
              ([from, width]) =>
                [(centre + from) * 60, (centre + from + width) * 60, 5n * 10n ** 17n] as const,
            ),
          ]);
          const dollars = isBuy ? size : -size;
          const costs = through({ fee: 500, liquidity: layout }).swapCosts("ETH", dollars, price, AT);
          const expected = size - twin(layout, 0.0005, dollars, price);
          // Each step of the pool rounds to a millionth of a dollar, against the trader; the rest is the twin's doubles.
          expect(Math.abs(totalOf(costs) - expected)).toBeLessThan(2e-5 + 1e-10 * size);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });
  it("behaviour: costs are from 0, and a larger trade costs more of each dollar", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-4, max: 1e5, noNaN: true }),
        fc.double({ min: 1, max: 4e6, noNaN: true }),
        fc.constantFrom(100, 500, 3000),
        fc.constantFrom(1, -1),
        (price, size, fee, sign) => {
          const of = (dollars: number) => through(reserve(1e7, fee)).swapCosts("ETH", dollars, price, AT);
          const [one, two] = [of(sign * size), of(sign * size * 2)];
          for (const cost of Object.values(one)) expect(cost).toBeGreaterThanOrEqual(0);
          expect(totalOf(two)).toBeGreaterThan(totalOf(one) * 2 - 1e-9 * size);
        },
      ),
      { seed: 12, numRuns: 200 },
    );
  });
  it("behaviour: a price beyond all ranges but the widest meets the widest alone", () => {
    const layout = layoutOf([
      [-FULL, FULL, 10n ** 17n],
      [200_040, 200_100, 10n ** 20n],
    ]);
    expect(toPoolState(500, layout, 1000).liquidity).toBe(10n ** 17n);
    expect(toPoolState(500, layout, 1e12 / 1.0001 ** 200_070).liquidity).toBe(10n ** 17n + 10n ** 20n);
  });
  it("behaviour: gas of the swaps and of the attestation apart", () => {
    const units = (kind: "on-chain" | "off-chain") =>
      poolExecution({ venues: {}, route: PRIVATE, attestation: kind }).gasUnits(3);
    // `npm run bench -- pipeline`: attested_rebalance_gas 499,560, attestation_gas 494,212.
    const { rebalance, attestation } = units("on-chain");
    expect(Math.abs(rebalance / 499_560 - 1)).toBeLessThan(0.001);
    expect(Math.abs(attestation / 494_212 - 1)).toBeLessThan(0.001);
    expect(units("off-chain")).toEqual({ rebalance, attestation: 0 });
    expect(() =>
      poolExecution({ venues: {}, route: PRIVATE, attestation: "off-chain" }).gasUnits(-1),
    ).toThrow(OutOfRangeError);
  });

  const narrow = layoutOf([[202_020, 202_080, 10n ** 18n]]);
  const inRange = 1e12 / 1.0001 ** 202_050;
  it.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "a trade larger than the reserve",
      () => through(reserve(1e6)).swapCosts("ETH", 1_000_001, 1800, AT),
      TradeExceedsPoolError,
      /2023-01-01T00:00:00.000Z, in ETH, a trade of 1000001 dollars meets a pool of 1000000/,
    ],
    [
      "a trade that leaves the last range",
      () => through({ fee: 500, liquidity: narrow }).swapCosts("ETH", -5e6, inRange, AT),
      TradeExceedsPoolError,
      /a trade of 5000000 dollars/,
    ],
    [
      "an asset without a pool",
      () => through(reserve(1e6)).swapCosts("BTC", 1, 1, AT),
      NoVenueError,
      /BTC.*ETH/,
    ],
    [
      "no price",
      () => through(reserve(1e6)).swapCosts("ETH", 1, 0, AT),
      OutOfRangeError,
      /price of ETH is 0/,
    ],
    ["no trade", () => through(reserve(1e6)).swapCosts("ETH", NaN, 1, AT), OutOfRangeError, /NaN/],
    ["no reserve", () => through(reserve(0)).swapCosts("ETH", 1, 1, AT), OutOfRangeError, /reserve is 0/],
  ])("error: %s", (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
