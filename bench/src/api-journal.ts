import { type Decided, type Journal, openJournal } from "@ballast/agent";
import { ACTION } from "@ballast/attest";
import { type Hex, HOUR_MS, seededRandom, unixMillis } from "@ballast/data";
import { type Forecast, forecastHash, HORIZONS_HOURS, QUANTILE_LEVELS, quantise } from "@ballast/model";

const ASSETS = ["BTC", "ETH", "SOL", "LINK"] as const;
const START = unixMillis(Date.UTC(2022, 0, 1));
const COST_HOURS = [1, 4, 24];
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;

/** Of the size that a network of four assets makes: seven quantiles, four horizons, one series of costs. */
function toForecast(n: number, uniform: () => number): Forecast {
  const spread = (mean: number) => QUANTILE_LEVELS.map((level) => mean * (0.4 + 1.2 * level));
  const variance = ASSETS.map(() => HORIZONS_HOURS.map((hours) => hours * 1e-5 * (1 + uniform())));
  const costs = () =>
    COST_HOURS.map(() => {
      const mean = 10 + 20 * uniform();
      return { mean, quantiles: spread(mean) };
    });
  return quantise({
    modelId: word(7),
    at: unixMillis(START + n * HOUR_MS),
    horizonsHours: [...HORIZONS_HOURS],
    assets: [...ASSETS],
    variance,
    quantiles: { levels: [...QUANTILE_LEVELS], variance: variance.map((row) => row.map(spread)) },
    correlation: ASSETS.map((_, i) => ASSETS.map((_, j) => (i === j ? 1 : 0.7))),
    breachCalibration: { a: 0, b: 1 },
    costs: {
      levels: [...QUANTILE_LEVELS],
      series: [
        {
          name: "base_fee_gwei",
          now: 10 + 20 * uniform(),
          horizonsHours: COST_HOURS,
          ...{ last: costs(), mean: costs(), lowest: costs() },
        },
      ],
    },
  });
}

function toDecided(n: number, forecast: Forecast): Decided {
  const seconds = BigInt(forecast.at / 1000);
  return {
    hash: word(1_000_000 + n),
    decision: {
      chainId: 31_337n,
      vault: `0x${"be".repeat(20)}`,
      sequence: BigInt(n),
      action: ACTION.hold,
      reason: 0,
      decidedAt: seconds,
      expiresAt: seconds + 900n,
      inputRoot: word(2),
      stateHash: word(3),
      modelId: word(7),
      forecastHash: forecastHash(forecast),
      policyId: word(5),
      breachPpm: 12_345,
      holding: 0,
      tradesHash: word(6),
    },
    trades: [],
    reason: "inside-band",
    numbers: { costBps: 1.5 },
    breachProbability: 0.012345,
    weights: [0.25, 0.26, 0.24, 0.25],
    isBreached: false,
  };
}

/** A journal of hourly holds with their forecasts, seeded. The caller closes it. */
export function writeBenchJournal(path: string, hours: number): Journal {
  const journal = openJournal(path);
  const random = seededRandom(1);
  for (let n = 0; n < hours; n++) {
    const forecast = toForecast(n, () => random.uniform());
    journal.record("bench", toDecided(n, forecast), { policy: "predictive", forecast });
  }
  return journal;
}
