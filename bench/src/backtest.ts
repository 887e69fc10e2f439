import { BallastError, seededRandom } from "@ballast/data";
import {
  type ReactiveRule,
  type RuleSweep,
  type SimCosts,
  simulate,
  sweepRules,
  toRiskColumns,
  toSimMarket,
} from "@ballast/training";
import type { BenchmarkOptions } from "./benchmark.ts";
import { type CPeer, compileCPeer } from "./c-peer.ts";
import { measureInterleaved, type Plan, quantile, type Row, toTimedRow } from "./measure.ts";

const PLANS = {
  full: {
    bars: 525_600,
    simulate: { warmUp: 4, samples: 25 },
    rounds: 3,
    settings: 1_000,
    sweep: { warmUp: 0, samples: 3 },
  },
  quick: {
    bars: 20_000,
    simulate: { warmUp: 2, samples: 3 },
    rounds: 1,
    settings: 20,
    sweep: { warmUp: 0, samples: 1 },
  },
} as const;
const SEED = 1;
/** A volatility of 60 % a year in hourly bars. */
const HOURLY_SIGMA = 0.0064;
const FIVE_YEARS_OF_HOURS = 5 * 365 * 24;
const SWEEP_ASSETS = 8;
const SWEEP_THREADS = 2;
const FEE = 0.0005;
const FIXED = 1e-5;
const MEBIBYTE = 2 ** 20;

class PeersDifferError extends BallastError {
  readonly code = "PEERS_DIFFER";
  constructor(what: string, own: number, peer: number) {
    super(
      `The simulator says ${what} ${own}, the C loop ${peer}. One of them is wrong; compare simulate.ts and threshold.c.`,
    );
  }
}

/** The simulator's speed beside a plain C loop, and a sweep of a thousand settings. All on seeded prices. */
export async function backtest({ isQuick, log }: BenchmarkOptions): Promise<Row[]> {
  const plan = isQuick ? PLANS.quick : PLANS.full;
  const peer = compileCPeer();
  try {
    if (peer === undefined) log("no C compiler on the path (set CC to name one): sim_vs_c is left out");
    const rows = measureSimulation(plan.bars, plan.simulate, peer, plan.rounds, log);
    return [
      ...rows,
      await measureSweep(plan.settings, plan.sweep, log),
      await measurePredictiveSweep(plan.settings, log),
      measureMemory(plan.bars),
    ];
  } finally {
    peer?.close();
  }
}

const toMarket = (assets: number, bars: number) => {
  const random = seededRandom(SEED, "bench-backtest");
  const closes = Array.from({ length: assets }, () => {
    let price = 1;
    return Float64Array.from({ length: bars }, () => {
      price *= Math.exp(HOURLY_SIGMA * random.normal() - HOURLY_SIGMA ** 2 / 2);
      return price;
    });
  });
  return toSimMarket(
    closes,
    closes.map(() => 1 / assets),
  );
};

const WIDTHS = [0.02, 0.02, 0.02, 0.02];
const COSTS: SimCosts = { nav: 1, feeRates: [FEE, FEE, FEE, FEE], gasPerTrade: 1 };

function measureSimulation(
  bars: number,
  plan: Plan,
  peer: CPeer | undefined,
  rounds: number,
  log: (line: string) => void,
) {
  const market = toMarket(4, bars);
  const costs = { ...COSTS, gasDollars: new Float64Array(bars).fill(FIXED) };
  const run = () => simulate(market, { triggers: WIDTHS }, costs, { bands: WIDTHS });
  const setting = { widths: WIDTHS, feeRate: FEE, fixed: FIXED };
  const own = run();
  log(`${bars} bars of four assets, ${own.trades} trades`);
  if (peer !== undefined) {
    log(`the same by ${peer.compiler}`);
    const { trades, outsideBars, fees, gas, squares, growth } = peer.run(market, setting, 1);
    const pairs = { trades, outsideBars, fees, gas, growth, trackingError: Math.sqrt(squares / (bars - 1)) };
    for (const [what, value] of Object.entries(pairs)) {
      const mine = own[what as keyof typeof pairs];
      if (mine !== value) throw new PeersDifferError(what, mine, value);
    }
  }
  const { price } = market;
  const read = () => {
    let sum = 0;
    for (let i = 0; i < price.length; i++) sum += price[i]!;
    return sum;
  };
  // One sample of each in turn, so that all meet the same weather, and of each the best of as many rounds.
  const times = { own: new Float64Array(plan.samples), read: new Float64Array(plan.samples) };
  const fromC = new Float64Array(plan.samples);
  for (let sample = -plan.warmUp; sample < plan.samples; sample++) {
    const c = peer === undefined ? 0 : Math.min(...peer.run(market, setting, rounds).nanoseconds) / 1e6;
    const found = { own: bestOf(rounds, run), read: bestOf(rounds, read) };
    if (sample < 0) continue;
    fromC[sample] = c;
    times.own[sample] = found.own;
    times.read[sample] = found.read;
  }
  const rate = (milliseconds: number) => bars / (milliseconds / 1000);
  const rows: Row[] = [
    toTimedRow(
      {
        name: "sim_bars_per_s",
        unit: "bars/s",
        better: "more",
        peer: "adding up the same prices, nothing else",
      },
      times.own,
      times.read,
      rate,
    ),
  ];
  if (peer !== undefined) {
    const c = fromC;
    rows.push({
      name: "sim_vs_c",
      unit: "ratio",
      better: "more",
      value: quantile(c, 0.5) / quantile(times.own, 0.5),
      peer: `plain C loop at ${(rate(quantile(c, 0.5)) / 1e6).toFixed(0)} million bars/s, ${peer.compiler}`,
      peerValue: 1,
      quartiles: [
        quantile(c, 0.25) / quantile(times.own, 0.25),
        quantile(c, 0.75) / quantile(times.own, 0.75),
      ].sort((a, b) => a - b) as [number, number],
    });
  }
  return rows;
}

/** Keeps results alive, so that no compiler can leave out the work. */
let sink: unknown;

/** Milliseconds of the fastest of so many calls. */
function bestOf(rounds: number, run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    sink = run();
    best = Math.min(best, performance.now() - start);
  }
  if (sink === undefined) throw new Error("the run has no result");
  return best;
}

async function measureSweep(settings: number, plan: Plan, log: (line: string) => void): Promise<Row> {
  const market = toMarket(SWEEP_ASSETS, FIVE_YEARS_OF_HOURS);
  const bands = market.targets.map(() => 0.02);
  const rules: ReactiveRule[] = Array.from({ length: settings }, (_, i) => ({
    triggers: bands.map((band) => band * (0.5 + (1.5 * i) / settings)),
    keep: (i % 4) / 4,
  }));
  const sweep: RuleSweep = {
    market,
    rules,
    costs: {
      nav: 1e7,
      feeRates: bands.map(() => FEE),
      gasDollars: new Float64Array(market.bars).fill(6e-5),
      gasPerTrade: 6e5,
      gasPerSwap: 1.2e5,
    },
    options: { bands },
  };
  log(
    `${settings} settings over ${market.bars} bars of ${SWEEP_ASSETS} assets, threads started and ended each time`,
  );
  const { two, one } = await measureInterleaved(
    { two: { run: () => sweepRules(sweep, SWEEP_THREADS) }, one: { run: () => sweepRules(sweep, 1) } },
    plan,
  );
  return toTimedRow(
    { name: `sweep_${settings}_s`, unit: "s", better: "less", peer: "the same on one thread" },
    two,
    one,
    (milliseconds) => milliseconds / 1000,
  );
}

/** The same of the predictive rule: orders capped by the deviation, assets selected by what a swap is worth. */
async function measurePredictiveSweep(settings: number, log: (line: string) => void): Promise<Row> {
  const before = 1_000;
  const whole = toMarket(SWEEP_ASSETS, FIVE_YEARS_OF_HOURS + before);
  const market = toMarket(SWEEP_ASSETS, FIVE_YEARS_OF_HOURS);
  const { covariance, scale, barsPerBlock } = toRiskColumns(whole, before, undefined);
  const columns = { covariance: shared(covariance), scale: shared(scale), barsPerBlock };
  const random = seededRandom(SEED, "bench-gas");
  let level = 0;
  const usual = Array.from({ length: market.bars }, () => {
    level = 0.97 * level + 0.1 * random.normal();
    return Math.log(6e-5) + level;
  });
  const samplesPerBar = 12;
  const samples = shared(
    usual.flatMap((x) => Array.from({ length: samplesPerBar }, () => x + 0.25 * random.normal())),
  );
  const bands = Array.from({ length: SWEEP_ASSETS }, () => 0.02);
  const levelPowers = [0, 0.3, 0.4, 0.5].map((power) =>
    shared(usual.map((x) => Math.exp(power * (x - Math.log(6e-5))))),
  );
  const known = shared(usual);
  const rules = Array.from({ length: settings }, (_, i) => ({
    triggers: bands.map((band) => band * (0.5 + (1.5 * i) / settings)),
    scale: levelPowers[i % levelPowers.length]!,
    risk: { columns, selects: true },
    order: { samples, samplesPerBar, usual: known, power: 0.8 + (i % 5) / 10 },
  }));
  const costs = {
    nav: 1e7,
    feeRates: bands.map(() => FEE),
    gasPerTrade: 6e5,
    gasPerSwap: 1.2e5,
  };
  const sweep: RuleSweep = { market, rules, costs, options: { bands, latency: 1 } };
  log(`${settings} predictive settings over the same, ${samplesPerBar} prices of gas an hour`);
  const { two, one } = await measureInterleaved(
    { two: { run: () => sweepRules(sweep, SWEEP_THREADS) }, one: { run: () => sweepRules(sweep, 1) } },
    { warmUp: 0, samples: 1 },
  );
  return toTimedRow(
    { name: `sweep_${settings}_predictive_s`, unit: "s", better: "less", peer: "the same on one thread" },
    two,
    one,
    (milliseconds) => milliseconds / 1000,
  );
}

/** So that threads share it, not copy it. */
const shared = (values: ArrayLike<number>): Float64Array => {
  const own = new Float64Array(new SharedArrayBuffer(values.length * Float64Array.BYTES_PER_ELEMENT));
  own.set(values);
  return own;
};

/** What the process holds after many runs beside what it held after the first. */
function measureMemory(bars: number): Row {
  const market = toMarket(4, bars);
  const run = () => simulate(market, { triggers: WIDTHS }, COSTS, { bands: WIDTHS });
  run();
  const before = process.memoryUsage().rss / MEBIBYTE;
  for (let i = 0; i < 200; i++) run();
  return {
    name: "sim_memory_mb",
    unit: "MB",
    better: "less",
    value: process.memoryUsage().rss / MEBIBYTE,
    peer: "before 200 runs",
    peerValue: before,
  };
}
