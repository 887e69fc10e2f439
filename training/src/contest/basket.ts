import { BallastError } from "@ballast/data";
import { WeightsNotOneError } from "../backtest/market.ts";
import type { Basket } from "./arenas.ts";
import type { Hours } from "./hours.ts";

export class BadBasketError extends BallastError {
  readonly code = "BAD_BASKET";
  constructor(text: string, what: string) {
    super(`The basket ${JSON.stringify(text)} ${what}. Write it as USD=0.4,BTC=0.3,ETH=0.3.`);
  }
}

export class NotInBarsError extends BallastError {
  readonly code = "UNKNOWN_ASSET";
  readonly asset: string;
  constructor(asset: string, known: readonly string[]) {
    super(
      `There are no bars of ${asset}; there are of ${known.join(", ")}. Choose the basket among these and USD.`,
    );
    this.asset = asset;
  }
}

const SUM_TOLERANCE = 1e-9;

/**
 * `USD=0.4,BTC=0.3,ETH=0.3` as target weights, USD first and the others by name, so that the same basket is the same
 * however it is written. Throws BadBasketError and WeightsNotOneError.
 */
export function parseBasket(text: string): Basket {
  const entries = text.split(",").map((item): [string, number] => {
    const [, asset, share] = /^\s*([\w.-]+)\s*=\s*(\d*\.?\d+)\s*$/.exec(item) ?? [];
    if (asset === undefined) throw new BadBasketError(text, `has the item ${JSON.stringify(item)}`);
    return [asset.toUpperCase(), Number(share)];
  });
  const names = entries.map(([asset]) => asset);
  const twice = names.find((asset, i) => names.indexOf(asset) < i);
  if (twice !== undefined) throw new BadBasketError(text, `names ${twice} twice`);
  if (names.length < 2) throw new BadBasketError(text, "has one asset, which cannot drift");
  const sum = entries.reduce((total, [, share]) => total + share, 0);
  if (Math.abs(sum - 1) > SUM_TOLERANCE || entries.some(([, share]) => share === 0))
    throw new WeightsNotOneError(sum);
  const rank = (asset: string) => (asset === "USD" ? "" : asset);
  return Object.fromEntries(entries.sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1)));
}

export const showBasket = (basket: Basket): string =>
  Object.entries(basket)
    .map(([asset, share]) => `${asset}=${share}`)
    .join(",");

/** Throws NotInBarsError. */
export function requireBars(basket: Basket, { close, available }: Pick<Hours, "close" | "available">): void {
  const missing = Object.keys(basket).find((asset) => asset !== "USD" && !close.has(asset));
  if (missing !== undefined) throw new NotInBarsError(missing, available);
}
