import {
  FIXED_THRESHOLD,
  type Holding,
  type PolicyInput,
  policyOf,
  type ReactiveParameters,
  reactivePolicy,
  type VaultState,
} from "@ballast/agent";
import { fromWad, HOUR_MS, toUnitsDown, toWadNearest, unixMillis, type Wad, wad } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSimMarket } from "./market.ts";
import { volatilitySignals } from "./signals.ts";
import { toBrownianCloses } from "./simulate.fixture.ts";
import { simulate } from "./simulate.ts";

/*
 * One rule in two number worlds: the simulator's doubles and the policy that decides for a vault in fixed point,
 * bar by bar over the same prices, without costs.
 */
const ONE = 10n ** 18n;
const NAV = 1e6;
const BARS = 300;

/** The policy's trades: how many, and their turnover. */
function walkVault(
  closes: readonly Float64Array[],
  targets: readonly number[],
  parameters: ReactiveParameters,
) {
  const policy = reactivePolicy("agreement", parameters);
  const wads = targets.map(toWadNearest);
  wads[0] = wad(ONE - wads.slice(1).reduce((sum, w) => sum + w, 0n));
  let balances = targets.map((w) => toUnitsDown(w * NAV, 18));
  let trades = 0;
  let turnover = 0;
  for (let t = 1; t < BARS; t++) {
    const holdings = balances.map(
      (balance, i): Holding => ({
        token: `0x${i}`,
        asset: `A${i}`,
        decimals: 18,
        balance,
        price: toWadNearest(closes[i]![t]!),
        targetWeight: wads[i]!,
        band: toWadNearest(0.02),
        poolFee: 0,
      }),
    );
    const state = { holdings, gasPrice: 0n, etherPrice: wad(0n) } as unknown as VaultState;
    const snapshot = { at: unixMillis(t * HOUR_MS), exogenous: [] } as unknown as PolicyInput["snapshot"];
    const intent = policy.choose({ snapshot, state, forecast: undefined, breachWithin: () => undefined });
    if (intent.kind === "hold") continue;
    const values = holdings.map(({ balance, price }) => (balance * price) / ONE);
    const nav = values.reduce((sum, v) => sum + v, 0n);
    balances = intent.toWeights.map((w, i) => (w * nav) / holdings[i]!.price);
    trades++;
    turnover +=
      intent.toWeights.reduce(
        (sum, w, i) => sum + Math.abs(fromWad(w) - fromWad(((values[i]! * ONE) / nav) as Wad)),
        0,
      ) / 2;
  }
  return { trades, turnover };
}

describe("the simulator and the vault's policy", () => {
  it("behaviour: trade at the same bars to the same weights, whatever the rule", () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.integer({ min: 2, max: 6 }),
        fc.constantFrom(0.004, 0.01, 0.03),
        fc.constantFrom<"absolute" | "relative" | "band">("absolute", "relative", "band"),
        fc.constantFrom(0, 0.5, 0.9),
        fc.constantFrom(0, 6, 24),
        (seed, assets, size, kind, keep, everyHours) => {
          const closes = toBrownianCloses(
            Array.from({ length: assets }, (_, i) => 0.01 * i),
            BARS,
            seed,
          );
          const total = (assets * (assets + 1)) / 2;
          const targets = closes.map((_, i) => (i + 1) / total);
          const width =
            kind === "absolute" ? ({ kind, points: size } as const) : ({ kind, share: size * 20 } as const);
          const triggers = targets.map((w) =>
            kind === "absolute" ? size : size * 20 * (kind === "relative" ? w : 0.02),
          );
          const rule = { triggers, keep, every: Math.max(1, everyHours) };
          const options = { bands: targets.map((w) => w / 2) };
          const fast = simulate(
            toSimMarket(closes, targets),
            rule,
            { nav: NAV, feeRates: targets.map(() => 0) },
            options,
          );
          const slow = walkVault(closes, targets, { width, keep, everyHours, surface: FIXED_THRESHOLD });
          expect(fast.trades).toBe(slow.trades);
          expect(fast.turnover).toBeCloseTo(slow.turnover, 9);
        },
      ),
      { seed: 3, numRuns: 100 },
    );
  });

  it("behaviour: the volatility of the day past is the same signal in both", () => {
    const bars = 1_000;
    const closes = toBrownianCloses([0.01, 0.02], bars, 7);
    const variances = closes.map((close) =>
      close.map((x, t) => (t === 0 ? 0 : Math.log(x / close[t - 1]!) ** 2)),
    );
    const { trailing } = volatilitySignals(variances, 720);
    const policy = policyOf({ name: "volatility-adjusted", parameters: { volatilityPower: 1 } });
    const state = { holdings: [], gasPrice: 0n, etherPrice: wad(0n) } as unknown as VaultState;
    for (let t = 720; t < bars; t += 40) {
      const snapshot = {
        at: unixMillis(t * HOUR_MS),
        intervalMs: HOUR_MS,
        exogenous: [],
        bars: closes.map((close) => ({ close: close.slice(0, t + 1) })),
      } as unknown as PolicyInput["snapshot"];
      const holding = {
        targetWeight: wad(ONE),
        band: wad(0n),
        balance: ONE,
        price: wad(ONE),
        decimals: 18,
        poolFee: 0,
      };
      const { numbers } = policy.choose({
        snapshot,
        state: { ...state, holdings: [holding as unknown as Holding] },
        forecast: undefined,
        breachWithin: () => undefined,
      });
      expect(numbers.volatilityOverUsual).toBeCloseTo(trailing[t]!, 9);
    }
  });
});
