import { mulDivDown, type Wad, wad } from "@ballast/data";
import { clamp } from "../weights.ts";

/**
 * Where a rebalance ends. Every deviation from target is clipped to `keep` of its band's half-width, then the side
 * (above target or below it) that is left with more is shrunk in proportion until both are equal, so that the
 * weights add up to one. No weight moves away from its target, and no rule that ends within the same widths trades
 * less: to target at keep 0, to the band's edge at 1, part of the way between (two assets: Leland 1999).
 *
 * Writes the weights to trade to into `out`; `weights` and `targets` each sum to one, `widths` are shares of the
 * portfolio. The same rule in fixed point: `toDestinationWad`.
 */
export function toDestination(
  weights: ArrayLike<number>,
  targets: ArrayLike<number>,
  widths: ArrayLike<number>,
  keep: number,
  out: Float64Array,
): void {
  let above = 0;
  let below = 0;
  for (let i = 0; i < out.length; i++) {
    const room = keep * widths[i]!;
    const deviation = Math.max(-room, Math.min(room, weights[i]! - targets[i]!));
    out[i] = deviation;
    if (deviation > 0) above += deviation;
    else below -= deviation;
  }
  const kept = Math.min(above, below);
  for (let i = 0; i < out.length; i++) {
    const deviation = out[i]!;
    const side = deviation > 0 ? above : below;
    out[i] = targets[i]! + (kept === 0 ? 0 : deviation * (kept / side));
  }
}

/**
 * `toDestination` in fixed point, for the vault: each deviation kept is rounded towards the target, and what that
 * leaves of the sum, at most one unit an asset, goes to the first, the base asset. Weights sum to exactly 1e18
 * where the targets do.
 */
export function toDestinationWad(
  weights: readonly Wad[],
  targets: readonly Wad[],
  widths: readonly Wad[],
  keep: Wad,
): Wad[] {
  const deviations = targets.map((target, i) => {
    const room = mulDivDown(keep, widths[i]!, ONE);
    return clamp(weights[i]! - target, -room, room);
  });
  const above = deviations.reduce((sum, d) => (d > 0n ? sum + d : sum), 0n);
  const below = deviations.reduce((sum, d) => (d < 0n ? sum - d : sum), 0n);
  const kept = above < below ? above : below;
  const shrunk = deviations.map((d) => {
    if (kept === 0n || d === 0n) return 0n;
    return d > 0n ? mulDivDown(d, kept, above) : -mulDivDown(-d, kept, below);
  });
  const rest = shrunk.reduce((sum, d) => sum + d, 0n);
  return targets.map((target, i) => wad(target + shrunk[i]! - (i === 0 ? rest : 0n)));
}

const ONE = 10n ** 18n;
