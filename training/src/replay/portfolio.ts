import { BallastError, type Hex, keccak, toWadNearest, type Wad, wad } from "@ballast/data";
import { WeightsNotOneError } from "../backtest/market.ts";
import { BandOverlapsZeroError } from "../backtest/rule.ts";

/** One holding of a paper vault. */
export interface PaperAsset {
  /** Ticker as in `Market.assets`; the base asset has no bars. */
  readonly asset: string;
  /** Of the token's smallest unit, 0..36. */
  readonly decimals: number;
  /** Fee tier of its pool against the base asset, millionths; 0 for the base asset. */
  readonly poolFee: number;
  /** Share of the value, 0..1. */
  readonly target: number;
  /** Half-width of the band, above 0 and below the target. */
  readonly band: number;
}

/** The base asset first; targets sum to one. */
export interface Portfolio {
  readonly assets: readonly PaperAsset[];
  /** Dollars at the start, above 0. */
  readonly nav: number;
}

export class BadPortfolioError extends BallastError {
  readonly code = "BAD_PORTFOLIO";
  readonly field: string;
  constructor(field: string, found: string, allowed: string) {
    super(`The portfolio's ${field} is ${found}; give ${allowed}.`);
    this.field = field;
  }
}

const SUM_TOLERANCE = 1e-9;

/** Throws BadPortfolioError, WeightsNotOneError and BandOverlapsZeroError for what no run could mean anything with. */
export function checkPortfolio({ assets, nav }: Portfolio): void {
  if (!(nav > 0 && Number.isFinite(nav))) throw new BadPortfolioError("nav", `${nav}`, "dollars above 0");
  if (assets.length < 2)
    throw new BadPortfolioError(
      "number of assets",
      `${assets.length}`,
      "the base asset and at least one more",
    );
  const twice = assets.find(({ asset }, i) => assets.findIndex((other) => other.asset === asset) < i);
  if (twice !== undefined) throw new BadPortfolioError("asset", `${twice.asset} twice`, "each ticker once");
  const sum = assets.reduce((total, { target }) => total + target, 0);
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE) || !assets.every(({ target }) => target > 0))
    throw new WeightsNotOneError(sum);
  for (const [i, { band, target }] of assets.entries())
    if (!(band > 0 && band < target)) throw new BandOverlapsZeroError(i, band, target);
}

/** Targets in fixed point that sum to exactly one: the base asset takes up the rounding. */
export function toTargetWads({ assets }: Portfolio): Wad[] {
  const others = assets.slice(1).map(({ target }) => toWadNearest(target));
  return [wad(10n ** 18n - others.reduce((sum, target) => sum + target, 0n)), ...others];
}

/** An address that nobody has a key of, the same in every run. */
export const paperAddress = (what: string): Hex =>
  `0x${keccak(new TextEncoder().encode(`ballast paper vault: ${what}`)).slice(-40)}`;
