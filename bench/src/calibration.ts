import { HOUR_MS, type Market, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { parkinsonVariance } from "@ballast/model";
import {
  abdiRanaldoSpread,
  corwinSchultzSpread,
  delayShortfall,
  type Liquidity,
  poolExecution,
  squareRootImpact,
  trailingLiquidity,
} from "@ballast/training";
import { readMostTraded } from "./bars.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { quantile, type Row } from "./measure.ts";
import { readPoolMinutes, toFlowRatios, toReserves } from "./pool-minutes.ts";

const SYNTHETIC_SEED = 1;
const SYNTHETIC_START = unixMillis(Date.UTC(2022, 0, 1));
const SYNTHETIC_HOURS = 2_000;
const MOST_ASSETS = 8;
const WINDOW_DAYS = 30;
const DAY_MS = 24 * HOUR_MS;
const BASIS_POINTS = 1e4;
const MILLION = 1e6;
const SIZES = { "100k": 1e5, "1m": 1e6 };
/** Assumed by the policies benchmark for the pools of BTC and ETH, dollars. */
const ASSUMED_RESERVE = 1e8;
const POOL_FEE = 500;

/** What bars and a pool's minutes say of the costs of trading: what a backtest takes for them, beside another estimate. */
export async function calibration({ bars, pool, log }: BenchmarkOptions): Promise<Row[]> {
  const market =
    bars === undefined
      ? toMarket(
          await syntheticSource({
            seed: SYNTHETIC_SEED,
            hours: SYNTHETIC_HOURS,
            start: SYNTHETIC_START,
          }).load({}),
          { now: unixMillis(SYNTHETIC_START + SYNTHETIC_HOURS * HOUR_MS) },
        ).market
      : await readMostTraded(bars, MOST_ASSETS);
  log(`${market.assets.join(", ")}: ${market.length} bars of ${market.intervalMs / 60_000} minutes`);
  if (pool === undefined) log("no minutes of a pool: give --pool to measure its depth");
  const rows = toBarRows(market);
  for (const { name, interval } of rows)
    if (interval?.[1] === 0) log(`${name}: returns trend from bar to bar, so that the estimate says nothing`);
  return [...rows, ...(pool === undefined ? [] : await toPoolRows(pool))];
}

/** Spread over all bars; volatility, volume and what follows from them over the last thirty days. */
export function toBarRows(market: Market): Row[] {
  const { intervalMs, length, start, assets } = market;
  const end = unixMillis(start + length * intervalMs);
  const past = market.past(end);
  const window = Math.min((WINDOW_DAYS * DAY_MS) / intervalMs, length - 1);
  return assets.flatMap((asset, i): Row[] => {
    const columns = past.bars(i, length);
    const { high, low, close } = columns;
    const timed = { ...columns, firstClose: start + intervalMs, barMs: intervalMs };
    const liquidity = trailingLiquidity(timed, window, 0)(end);
    const { spread, least, most } = abdiRanaldoSpread(columns);
    const bps = (share: number) => share * BASIS_POINTS;
    const row = (name: string, value: number, unit: string, peer: string, peerValue: number): Row => ({
      name: `${name}_${asset}`,
      value,
      unit,
      better: "less",
      peer,
      peerValue,
    });
    const parkinson = parkinsonVariance(high, low, length - window, length - 1) / window;
    const money = close.reduce((sum, price, t) => sum + price * columns.volume[t]!, 0) / length;
    const perDay = DAY_MS / intervalMs;
    const barDeviation = liquidity.volatility / Math.sqrt(perDay);
    const delay = delayShortfall({ dollars: 1, volatility: barDeviation, bars: 1, drift: 0 });
    return [
      {
        ...row("spread_bps", bps(spread), "bp", "Corwin & Schultz", bps(corwinSchultzSpread(columns))),
        interval: [bps(least), bps(most)],
      },
      row(
        "volatility_day",
        100 * liquidity.volatility,
        "%",
        "from highs and lows (Parkinson)",
        100 * Math.sqrt(parkinson * perDay),
      ),
      {
        ...row(
          "volume_day_musd",
          liquidity.volume / MILLION,
          "million $",
          "mean of all bars",
          (money * perDay) / MILLION,
        ),
        better: "more",
      },
      ...toImpactRows(asset, liquidity, close[length - 1]!),
      row("delay_one_bar_bps", bps(delay.deviation), "bp", "fee of a 0.05 % pool", POOL_FEE / 100),
    ];
  });
}

const toImpactRows = (asset: string, liquidity: Liquidity, price: number): Row[] => {
  const pool = poolExecution({
    venues: { [asset]: { fee: POOL_FEE, liquidity: { reserve: ASSUMED_RESERVE } } },
    route: { kind: "private", leak: 0 },
    attestation: "off-chain",
  });
  return Object.entries(SIZES).map(([size, dollars]) => ({
    name: `impact_${size}_bps_${asset}`,
    value: BASIS_POINTS * (2 / 3) * squareRootImpact(dollars, liquidity),
    unit: "bp",
    better: "less",
    peer: `exact v3 pool with ${ASSUMED_RESERVE / MILLION} million $ of virtual reserve`,
    peerValue: (BASIS_POINTS * pool.swapCosts(asset, dollars, price, 0).impact) / dollars,
  }));
};

const DOLLAR_UNITS = 1e6;

async function toPoolRows(folder: string): Promise<Row[]> {
  const minutes = await readPoolMinutes(folder);
  const reserves = toReserves(minutes).map((units) => units / DOLLAR_UNITS / MILLION);
  const ratios = toFlowRatios(minutes);
  const row = (name: string, sorted: Float64Array, unit: string, peer: string, peerValue: number): Row => ({
    name,
    value: quantile(sorted, 0.5),
    unit,
    better: "more",
    peer,
    peerValue,
    quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
  });
  const assumed = ASSUMED_RESERVE / MILLION;
  return [
    row("pool_reserve_musd", reserves, "million $", "assumed by the policies benchmark", assumed),
    ...(ratios.length === 0 ? [] : [row("pool_flow_ratio", ratios, "ratio", "L·Δ√p, by the ticks", 1)]),
  ];
}
