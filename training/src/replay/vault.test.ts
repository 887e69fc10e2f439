import { navOf, planTrades, weightsOf } from "@ballast/agent";
import { fromWad, HOUR_MS, toWadNearest, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { START } from "../markets.fixture.ts";
import { constantRates, PORTFOLIO } from "./replay.fixture.ts";
import {
  BadCostError,
  type Books,
  CostsExceedVaultError,
  carryOut,
  type Order,
  openBooks,
  type Quote,
  toNav,
  toVaultState,
  toWeights,
} from "./vault.ts";

const TERMS = { cooldownSeconds: 0, maxTurnover: 1, maxSlippage: 0.01, crossTolerance: 0 };
const quoteAt = (prices: readonly number[]): Quote => ({
  at: unixMillis(START + 1000 * HOUR_MS),
  prices,
  baseFeeGwei: 30,
  tipGwei: 1,
  etherDollars: prices[2]!,
  isHalted: false,
});
const OPENING = quoteAt([1, 40_000, 2_000]);

/** The same vault in plain doubles: what the orders do to dollars and tokens, nothing rounded. */
function twin(books: Books, orders: readonly Order[], quote: Quote, rates: ReturnType<typeof constantRates>) {
  const decimals = PORTFOLIO.assets.map((asset) => 10 ** asset.decimals);
  const amounts = books.balances.map((balance, i) => Number(balance) / decimals[i]!);
  const total = (i: number, dollars: number) =>
    Object.values(rates.swapCosts(PORTFOLIO.assets[i]!.asset, dollars, quote.prices[i]!, quote.at)).reduce(
      (a, b) => a + b,
      0,
    );
  let paid = 0;
  for (const { holding, amountIn } of orders.filter(({ isSell }) => isSell)) {
    const amount = Number(amountIn) / decimals[holding]!;
    const cost = total(holding, -amount * quote.prices[holding]!);
    amounts[holding]! -= amount;
    amounts[0]! += amount * quote.prices[holding]! - cost;
    paid += cost;
  }
  const units = rates.gasUnits(orders.length);
  const gas =
    (units.rebalance + units.attestation) * (quote.baseFeeGwei + quote.tipGwei) * 1e-9 * quote.etherDollars;
  amounts[0]! -= gas;
  const buys = orders.filter(({ isSell }) => !isSell);
  const spend = buys.reduce((sum, { amountIn }) => sum + Number(amountIn) / 1e6, 0);
  const scale = Math.min(1, amounts[0]! / spend);
  for (const { holding, amountIn } of buys) {
    const dollars = (Number(amountIn) / 1e6) * scale;
    const cost = total(holding, dollars);
    amounts[0]! -= dollars;
    amounts[holding]! += (dollars - cost) / quote.prices[holding]!;
    paid += cost;
  }
  return { amounts, paid: paid + gas };
}

/** What the threshold rule's way back to target is at these prices. */
function ordersAt(books: Books, quote: Quote): Order[] {
  const state = toVaultState(PORTFOLIO, TERMS, books, quote, undefined);
  const { trades } = planTrades(
    state,
    state.holdings.map(({ targetWeight }) => targetWeight),
    {
      minTrade: toWadNearest(0),
      maxTurnover: toWadNearest(1),
      tolerance: toWadNearest(0.003),
    },
  );
  return trades.map(({ tokenIn, tokenOut, amountIn }) => {
    const isSell = tokenOut === state.holdings[0]!.token;
    return {
      holding: state.holdings.findIndex(({ token }) => token === (isSell ? tokenIn : tokenOut)),
      isSell,
      amountIn,
    };
  });
}

describe("the paper vault", () => {
  it("default: opens on target, to the smallest unit", () => {
    const books = openBooks(PORTFOLIO, OPENING);
    expect(toNav(PORTFOLIO, books, OPENING)).toBeCloseTo(1_000_000, 2);
    for (const [i, weight] of toWeights(PORTFOLIO, books, OPENING).entries())
      expect(weight).toBeCloseTo(PORTFOLIO.assets[i]!.target, 7);
  });

  it("behaviour: agrees with a vault in plain doubles, and loses exactly its costs, whatever the prices", () => {
    const move = fc.double({ min: 0.5, max: 2, noNaN: true });
    fc.assert(
      fc.property(move, move, move, move, (btc, eth, btcLater, ethLater) => {
        const books = openBooks(PORTFOLIO, OPENING);
        const decided = quoteAt([1, 40_000 * btc, 2_000 * eth]);
        const later = quoteAt([1, 40_000 * btc * btcLater, 2_000 * eth * ethLater]);
        const orders = ordersAt(books, decided);
        const rates = constantRates(0.001, 1e12);
        const { books: after, fill } = carryOut(PORTFOLIO, books, orders, later, rates, decided.prices);
        const expected = twin(books, orders, later, rates);
        for (const [i, amount] of expected.amounts.entries())
          expect(Number(after.balances[i]!) / 10 ** PORTFOLIO.assets[i]!.decimals).toBeCloseTo(amount, 4);
        const paid = Object.values(fill.costs).reduce((a, b) => a + b, 0);
        expect(paid).toBeCloseTo(expected.paid, 6);
        expect(toNav(PORTFOLIO, books, later) - toNav(PORTFOLIO, after, later)).toBeCloseTo(paid, 2);
        expect(after.sequence).toBe(1n);
        expect(after.balances.every((balance) => balance >= 0n)).toBe(true);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("behaviour: at the prices of the decision the shortfall is the costs; a move against it adds to it", () => {
    const books = openBooks(PORTFOLIO, OPENING);
    const decided = quoteAt([1, 60_000, 2_000]);
    const orders = ordersAt(books, decided);
    const at = (quote: Quote) =>
      carryOut(PORTFOLIO, books, orders, quote, constantRates(), decided.prices).fill;
    const same = at(decided);
    expect(same.shortfall).toBeCloseTo(
      Object.values(same.costs).reduce((a, b) => a + b, 0),
      6,
    );
    // 3.75 BTC worth 60,000 dollars more than their target are sold a thousand dollars cheaper each.
    const sold = Number(orders.find(({ isSell }) => isSell)!.amountIn) / 1e8;
    const worse = at(quoteAt([1, 59_000, 2_000]));
    const costs = Object.values(worse.costs).reduce((a, b) => a + b, 0);
    expect(worse.shortfall).toBeCloseTo(sold * 1_000 + costs, 2);
  });

  it("behaviour: weights and value are those that the agent computes from the state", () => {
    const books = openBooks(PORTFOLIO, OPENING);
    const quote = quoteAt([1, 51_234.5, 1_987.25]);
    const state = toVaultState(PORTFOLIO, TERMS, books, quote, undefined);
    expect(toNav(PORTFOLIO, books, quote)).toBe(fromWad(navOf(state)));
    expect(toWeights(PORTFOLIO, books, quote)).toEqual(weightsOf(state).map(fromWad));
  });

  it.each([
    ["a negative fee", { ...constantRates(), swapCosts: () => ({ fee: -1, spread: 0, impact: 0, mev: 0 }) }],
    [
      "an impact that is no number",
      { ...constantRates(), swapCosts: () => ({ fee: 0, spread: 0, impact: Number.NaN, mev: 0 }) },
    ],
    ["negative gas", { ...constantRates(), gasUnits: () => ({ rebalance: -1, attestation: 0 }) }],
  ])("error: %s is refused by name", (_, execution) => {
    const books = openBooks(PORTFOLIO, OPENING);
    const quote = quoteAt([1, 60_000, 2_000]);
    expect(() => carryOut(PORTFOLIO, books, ordersAt(books, quote), quote, execution, quote.prices)).toThrow(
      BadCostError,
    );
  });

  it("error: costs beyond what is traded, and gas beyond what there is", () => {
    const books = openBooks(PORTFOLIO, OPENING);
    const quote = quoteAt([1, 60_000, 2_000]);
    const orders = ordersAt(books, quote);
    expect(() => carryOut(PORTFOLIO, books, orders, quote, constantRates(1.1), quote.prices)).toThrow(
      CostsExceedVaultError,
    );
    const dear = { ...quote, baseFeeGwei: 1e12 };
    expect(() => carryOut(PORTFOLIO, books, orders, dear, constantRates(), quote.prices)).toThrow(
      /the gas costs/,
    );
  });
});
