import { BallastError, seededRandom } from "@ballast/data";
import {
  type ReactiveRule,
  type RuleSweep,
  type SimCosts,
  simulate,
  sweepRules,
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
    return [...rows, await measureSweep(plan.settings, plan.sweep, log), measureMemory(plan.bars)];
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
