/** What is known to a rule that knows the future, bar by bar. */
export interface Foreknowledge {
  /** What a rebalance will cost in the bar after each, share of the value. */
  readonly cost: Float64Array;
  /** Variance of the bar after each, over the usual. */
  readonly variance: Float64Array;
}

/** How deviations of a basket move: see `trackingDiffusion`. */
export interface DeviationProcess {
  readonly dimension: number;
  /** Standard deviations per usual bar and dimension that a deviation of one width is away. */
  readonly widthInDeviations: number;
}

const GRID_PER_WIDTH = 24;
const WIDTHS = 4;
/** Points of the distribution of a bar's move, equally likely. */
const MOVES = [
  -1.8339, -1.2816, -0.9674, -0.7279, -0.5244, -0.3407, -0.1679, 0, 0.1679, 0.3407, 0.5244, 0.7279, 0.9674,
  1.2816, 1.8339,
];
const MOVE_SCALE = 1 / Math.sqrt(MOVES.reduce((sum, z) => sum + z * z, 0) / MOVES.length);
/** The last bars are lived through so often again, so that the end of the record is not the end of the world. */
const ENCORES = 2;
const ENCORE_BARS = 168;

/**
 * The best a rule can do that knows every cost and every volatility to come, and of prices nothing: dynamic programming,
 * backwards, over the distance from target r. Each bar costs λr² times its variance; a rebalance costs what it costs
 * in that bar and goes back to 0; r moves like a Bessel process. λ is such that with the mean cost and the usual
 * variance for ever the best trigger is one width (`valueOfReset`). Returns the trigger at each bar, in widths.
 */
export function clairvoyantTriggers(
  { cost, variance }: Foreknowledge,
  { dimension, widthInDeviations }: DeviationProcess,
): Float64Array {
  const bars = cost.length;
  const step = widthInDeviations / GRID_PER_WIDTH;
  const size = GRID_PER_WIDTH * WIDTHS;
  const mean = cost.reduce((sum, c) => sum + c, 0) / bars;
  const lambda = (mean * (2 * dimension + 4)) / widthInDeviations ** 4;
  const triggers = new Float64Array(bars);
  let value = new Float64Array(size);
  const first = bars - Math.min(bars, ENCORE_BARS);
  const order = Array.from({ length: bars + ENCORES * (bars - first) }, (_, i) =>
    i < bars ? i : first + ((i - bars) % (bars - first)),
  );
  for (let i = order.length - 1; i >= 0; i--) {
    const t = order[i]!;
    const v = variance[t]!;
    const stay = new Float64Array(size);
    for (let k = 0; k < size; k++) {
      const r = k * step;
      let ahead = 0;
      for (const z of MOVES) {
        const along = r + z * MOVE_SCALE * Math.sqrt(v);
        const at = Math.min(size - 1.001, Math.sqrt(along * along + Math.max(0, dimension - 1) * v) / step);
        const low = Math.floor(at);
        ahead += value[low]! + (at - low) * (value[low + 1]! - value[low]!);
      }
      stay[k] = ahead / MOVES.length + lambda * r * r * v;
    }
    const acting = cost[t]! + stay[0]!;
    let trigger = size;
    for (let k = size - 1; k >= 0; k--) {
      if (acting < stay[k]!) trigger = k;
      else break;
    }
    if (i < bars) triggers[t] = crossing(stay, acting, trigger) / GRID_PER_WIDTH;
    const base = Math.min(stay[0]!, acting);
    value = stay.map((x) => Math.min(x, acting) - base);
  }
  return triggers;
}

/** Between the last grid point at which it stays and the first at which it acts. */
function crossing(stay: Float64Array, acting: number, trigger: number): number {
  if (trigger === 0 || trigger === stay.length) return Math.max(trigger, 1e-3);
  const [below, above] = [stay[trigger - 1]!, stay[trigger]!];
  return trigger - 1 + (acting - below) / (above - below);
}
