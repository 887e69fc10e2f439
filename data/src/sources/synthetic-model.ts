/**
 * The stochastic model of the synthetic market, with the stylised facts of crypto markets. Everything moves on
 * a grid of steps of at most 5 minutes inside hours of constant volatility; h is the hour since the start.
 *
 * Log variance (sum of Ornstein-Uhlenbeck factors, which imitates long memory: Corsi 2009; shared and own
 * part: Taylor 1986's stochastic volatility, several assets):
 *   ln s2_i(h) = ln(vol_i^2 / 8760) + S(h) + X(h) + Y_i(h) - Var/2
 *   X, Y = sums of x(h) = x(h-1) 2^(-1/halfLife) + sd sqrt(1 - 4^(-1/halfLife)) N(0,1)
 *   S = 0.4 cos(2 pi (hourOfDay - 15) / 24) - 0.35 on Saturday and Sunday (Hansen, Kim, Kimbrough 2024)
 * Each hour's variance is mixed by 1 / Gamma, so the hour's diffusion is Student t (Praetz 1972).
 *
 * Log price, per step of length d hours, f shared, e_i own, both N(0,1):
 *   dp_i = sqrt(s2_i d) (sqrt(share_i) f + sqrt(1 - share_i) e_i) + jumps,    no drift in the log price
 * High and low of a step are drawn from the Brownian bridge between its ends (Glasserman 2004, 6.4), so
 * range estimators are not biased by the step. Jumps, shared and own, are Hawkes-clustered in time
 * (Ait-Sahalia, Cacho-Diaz, Laeven 2015), normal in size, and raise the volatility (Eraker, Johannes, Polson 2003).
 *
 * Volume follows volatility and the size of the move (mixture of distributions, Tauchen and Pitts 1983).
 *
 * Base fee, per hour, published at the hour's end:
 *   ln g(h) = ln 25 gwei + G(h) + 0.3 (fast part of X) + OU(10 d) + OU(4 h) + spike(h)
 * G peaks at 16 and is lowest at 04-05 UTC, as measured on Ethereum in 2023; spikes decay with a half-life of
 * 2 h, come with shared jumps, and come by themselves the more often the higher the volatility.
 * Utilisation of a lending pool is logistic in the same factors, published every 4 hours.
 *
 * The path of an asset depends on seed, start and ticker alone: more hours prolong it, other assets do not
 * change it, nor do other bar intervals that are multiples of 5 minutes.
 */
import type { BarColumns } from "../market.ts";
import { type Random, seededRandom } from "../random.ts";
import { DAY_MS, HOUR_MS } from "../units.ts";

/** First price in dollars, annual volatility, share of variance that is the market's, dollars traded an hour. */
const PROFILES: Readonly<Record<string, readonly [number, number, number, number]>> = {
  BTC: [40_000, 0.55, 0.95, 60e6],
  ETH: [2_500, 0.7, 0.92, 35e6],
  SOL: [90, 0.95, 0.72, 8e6],
  LINK: [15, 0.9, 0.75, 3e6],
  BNB: [320, 0.65, 0.75, 6e6],
  XRP: [0.6, 0.8, 0.7, 7e6],
  ADA: [0.5, 0.85, 0.75, 4e6],
  DOGE: [0.1, 0.95, 0.6, 5e6],
  AVAX: [25, 0.95, 0.75, 2.5e6],
  LTC: [80, 0.75, 0.78, 3e6],
  UNI: [7, 0.95, 0.72, 1.5e6],
  AAVE: [95, 0.95, 0.72, 1.2e6],
};

/** Standard deviation and half-life in hours of the factors of log variance. */
const MARKET_FACTORS = [
  [0.7, 360],
  [0.55, 36],
  [0.4, 3],
] as const;
const OWN_FACTORS = [
  [0.3, 72],
  [0.25, 2],
] as const;
const DEGREES = 12;
const JUMP = { marketPerHour: 1 / 240, ownPerHour: 1 / 300, excitation: 0.35, halfLifeHours: 6, size: 4 };

const decay = (halfLifeHours: number): number => 2 ** (-1 / halfLifeHours);

/** A sum of Ornstein-Uhlenbeck factors, started in its stationary distribution. */
function factors(random: Random, shape: readonly (readonly [sd: number, halfLife: number])[]) {
  const value = shape.map(([sd]) => sd * random.normal());
  const keep = shape.map(([, halfLife]) => decay(halfLife));
  const noise = shape.map(([sd], k) => sd * Math.sqrt(1 - keep[k]! ** 2));
  return {
    value,
    sum: () => value.reduce((total, x) => total + x, 0),
    variance: shape.reduce((total, [sd]) => total + sd * sd, 0),
    step() {
      for (let k = 0; k < value.length; k++) value[k] = value[k]! * keep[k]! + noise[k]! * random.normal();
    },
  };
}

/** Counts of a discrete Hawkes process: each event raises the intensity, which decays back to `base`. */
function hawkes(random: Random, base: number) {
  const keep = decay(JUMP.halfLifeHours);
  let excited = 0;
  return (): number => {
    const count = random.poisson(Math.min(base + excited, 2));
    excited = excited * keep + count * JUMP.excitation * (1 - keep);
    return count;
  };
}

interface Jumps {
  /** Step of the hour in which each jump happens, as a fraction of the hour. */
  readonly at: number[];
  /** In hourly standard deviations of an average hour. */
  readonly size: number[];
}

const drawJumps = (random: Random, count: number): Jumps => ({
  at: Array.from({ length: count }, () => random.uniform()),
  size: Array.from({ length: count }, () => JUMP.size * random.normal()),
});

const hourOf = (time: number): number => (time % DAY_MS) / HOUR_MS;
const isWeekend = (time: number): boolean => [0, 6].includes(new Date(time).getUTCDay());
const seasonOfLogVariance = (time: number): number =>
  0.4 * Math.cos((2 * Math.PI * (hourOf(time) - 15)) / 24) - (isWeekend(time) ? 0.35 : 0);
const seasonOfLogFee = (time: number): number =>
  0.26 * Math.cos((2 * Math.PI * (hourOf(time) - 16)) / 24) +
  0.06 * Math.cos((4 * Math.PI * (hourOf(time) - 16)) / 24);

/** What all assets share: factors of volatility, jumps, common shocks, base fee and utilisation. */
export function marketPath(seed: number) {
  const random = seededRandom(seed, "market");
  const shocks = seededRandom(seed, "market shocks");
  const gas = seededRandom(seed, "gas");
  const x = factors(random, MARKET_FACTORS);
  const countJumps = hawkes(random, JUMP.marketPerHour);
  const fee = factors(gas, [
    [0.4, 240],
    [0.14, 4],
  ]);
  const lending = factors(gas, [[0.35, 240]]);
  let spike = 0;
  return {
    x,
    hour(time: number, steps: number) {
      x.step();
      fee.step();
      lending.step();
      const jumps = drawJumps(random, countJumps());
      x.value[2]! += 0.6 * jumps.size.length;
      const fast = x.value[1]! + x.value[2]!;
      const spikes = gas.poisson(Math.min((1 / 100) * Math.exp(fast), 1)) + jumps.size.length;
      spike *= decay(2);
      for (let k = 0; k < spikes; k++) spike += 0.2 + 0.5 * gas.exponential();
      const common = Float64Array.from({ length: steps }, () => shocks.normal());
      return {
        jumps,
        common,
        baseFeeGwei: 25 * Math.exp(seasonOfLogFee(time) + 0.3 * fast + fee.sum() + Math.min(spike, 2.5)),
        utilisation: 1 / (1 + Math.exp(-(1.4 + 0.3 * fast + lending.sum()))),
      };
    },
  };
}
export type MarketHour = ReturnType<ReturnType<typeof marketPath>["hour"]>;

function profileOf(asset: string): readonly [number, number, number, number] {
  const known = PROFILES[asset];
  if (known) return known;
  const random = seededRandom(0, `profile ${asset}`);
  const price = Number((0.1 * 10 ** (3 * random.uniform())).toPrecision(3));
  return [price, 0.8 + 0.3 * random.uniform(), 0.55 + 0.2 * random.uniform(), 5e5 * 10 ** random.uniform()];
}

/** One asset's bars, appended hour by hour. */
export function assetPath(
  seed: number,
  asset: string,
  marketVariance: number,
  bars: BarColumns,
  stepsPerBar: number,
) {
  const [firstPrice, volAnnual, share, dollarsPerHour] = profileOf(asset);
  const random = seededRandom(seed, `asset ${asset}`);
  const shocks = seededRandom(seed, `shocks ${asset}`);
  const y = factors(random, OWN_FACTORS);
  const activity = factors(random, [
    [0.3, 168],
    [0.25, 2],
  ]);
  const countJumps = hawkes(random, JUMP.ownPerHour);
  const averageVariance = volAnnual ** 2 / 8760;
  // As many decimals as an exchange quotes: seven digits of the first price.
  const ticksPerDollar = 10 ** (6 - Math.floor(Math.log10(firstPrice)));
  const toPrice = (logPrice: number): number =>
    Math.max(1, Math.round(Math.exp(logPrice) * ticksPerDollar)) / ticksPerDollar;
  let logPrice = Math.log(firstPrice);
  let step = 0;
  let high = logPrice;
  let low = logPrice;
  let volume = 0;

  return (time: number, marketFactor: number, market: MarketHour): void => {
    y.step();
    activity.step();
    const own = drawJumps(random, countJumps());
    y.value[1]! += 0.6 * own.size.length;
    const centre = marketFactor + y.sum() - (marketVariance + y.variance) / 2;
    const mixing = (DEGREES / 2 - 1) / random.gamma(DEGREES / 2);
    const hourVariance = averageVariance * Math.exp(seasonOfLogVariance(time) + centre) * mixing;
    const steps = market.common.length;
    const variance = hourVariance / steps;
    const [common, alone] = [Math.sqrt(variance * share), Math.sqrt(variance * (1 - share))];
    const stepDollars =
      (dollarsPerHour / steps) * Math.exp(0.5 * seasonOfLogVariance(time) + 0.5 * centre + activity.sum());
    const jumpAt = (jumps: Jumps, from: number): number =>
      jumps.at.reduce((sum, at, k) => (Math.floor(at * steps) === from ? sum + jumps.size[k]! : sum), 0);
    const isQuiet = own.at.length === 0 && market.jumps.at.length === 0;

    for (let k = 0; k < steps; k++) {
      const bar = Math.floor(step / stepsPerBar);
      if (step % stepsPerBar === 0) {
        high = logPrice;
        low = logPrice;
        volume = 0;
        if (bar < bars.open.length) bars.open[bar] = toPrice(logPrice);
      }
      const move = common * market.common[k]! + alone * shocks.normal();
      // Extremes of a Brownian bridge from 0 to `move`: (move ± sqrt(move² - 2 variance ln U)) / 2.
      const up = (move + Math.sqrt(move * move + 2 * variance * shocks.exponential())) / 2;
      const down = (move - Math.sqrt(move * move + 2 * variance * shocks.exponential())) / 2;
      high = Math.max(high, logPrice + up);
      low = Math.min(low, logPrice + down);
      logPrice += move;
      if (!isQuiet) {
        logPrice += Math.sqrt(averageVariance) * (0.9 * jumpAt(market.jumps, k) + jumpAt(own, k));
        high = Math.max(high, logPrice);
        low = Math.min(low, logPrice);
      }
      volume +=
        (stepDollars * (0.5 + 0.5 * (up - down) * Math.sqrt(Math.PI / 8 / variance))) / Math.exp(logPrice);
      step++;
      if (step % stepsPerBar !== 0 || bar >= bars.open.length) continue;
      bars.high[bar] = toPrice(high);
      bars.low[bar] = toPrice(low);
      bars.close[bar] = toPrice(logPrice);
      bars.volume[bar] = Number(volume.toPrecision(7));
    }
  };
}
