import { HOUR_MS, type RawMarket, seededRandom, unixMillis } from "@ballast/data";
import {
  BREACH_INPUTS,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  marketFeatures,
  networkBytes,
  networkId,
  readBreachNetwork,
  readNetwork,
  stateFeatures,
} from "@ballast/model";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { chooseBackend } from "./backend.ts";
import { type BreachNetworkFit, fitBreachNetwork } from "./breach-network.ts";
import { type BreachRows, toBreachRows } from "./breach-rows.ts";
import { scoreBreaches, toBreachScores } from "./breach-skill.ts";
import { CALIBRATION_VAULT } from "./calibration.ts";
import { clean, START, syntheticRaw } from "./markets.fixture.ts";

const HOURS = 2600;
const until = unixMillis(START + 2500 * HOUR_MS);
const raw = await syntheticRaw(11, HOURS, ["BTC", "ETH", "SOL"]);
const market = clean(raw);
const maxRows = 3000;
const request = { until, maxRows, seed: 3 };
const random = () => seededRandom(4, "rows");

/** The market with everything at or after `from` moved. */
const movedFrom = (from: number): ReturnType<typeof clean> =>
  clean({
    ...raw,
    series: raw.series.map((series): RawMarket["series"][number] => {
      const moved = (x: Float64Array) => x.map((v, i) => (series.time[i]! >= from ? v * 1.5 : v));
      const { open, high, low, close, volume } = series.bars;
      return {
        ...series,
        bars: { open: moved(open), high: moved(high), low: moved(low), close: moved(close), volume },
      };
    }),
  });

describe("rows of a vault's network", () => {
  let rows: BreachRows;
  beforeAll(async () => {
    rows = await toBreachRows(market, { until, maxRows, random: random() });
  });

  it("default: at each time one row for the base asset and one per asset, in time order", () => {
    expect(rows.rowsPerTime).toBe(4);
    expect(rows.rows).toBeGreaterThan(1000);
    expect(rows.inputs).toHaveLength(rows.rows * BREACH_INPUTS);
    expect([...rows.times].sort((a, b) => a - b)).toEqual([...rows.times]);
    rows.vaults.forEach(({ holding, assets, weights }, row) => {
      const asked = row % 4;
      expect(holding).toBe(asked === 0 ? 0 : 1);
      if (asked > 0) expect(assets[0]).toBe(asked - 1);
      expect(new Set(assets).size).toBe(assets.length);
      expect(weights).toHaveLength(assets.length + 1);
      expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 12);
      expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
    });
  });

  it("behaviour: features are those of the snapshot at the time, and of the vault's weights", () => {
    for (let row = 0; row < rows.rows; row += 97) {
      const snapshot = market.past(unixMillis(rows.times[row]!)).snapshot(LOOKBACK_HOURS);
      const { holding, weights } = rows.vaults[row]!;
      const state = stateFeatures(
        weights.map((w) => BigInt(Math.floor(w * 1e18))),
        holding,
      );
      const found = rows.inputs.subarray(row * BREACH_INPUTS, (row + 1) * BREACH_INPUTS);
      expect([...found]).toEqual([...marketFeatures(snapshot)[row % 4]!, ...state]);
    }
  });

  it("behaviour: targets are the squared steps of the log-odds of a weight whose holdings lie still", () => {
    for (let row = 0; row < rows.rows; row += 97) {
      const { holding, assets, weights } = rows.vaults[row]!;
      const first = (rows.times[row]! - START) / HOUR_MS;
      const after = market.past(unixMillis(rows.times[row]! + 168 * HOUR_MS));
      const price = assets.map((i) => after.bars(i, 169).close);
      HORIZONS_HOURS.forEach((horizon, h) => {
        let sum = 0;
        for (let hour = 1; hour <= horizon; hour++) {
          // Each hour the vault starts again at the row's weights.
          const values = weights.map((w, i) =>
            i === 0 ? w : (w * price[i - 1]![hour]!) / price[i - 1]![hour - 1]!,
          );
          const rest = values.reduce((total, v, i) => (i === holding ? total : total + v), 0);
          const own = weights[holding]!;
          sum += (Math.log(values[holding]! / rest) - Math.log(own / (1 - own))) ** 2;
        }
        // The return of the rest as a weighted mean of log returns is right to first order only.
        const ratio = rows.targets[row * HORIZONS_HOURS.length + h]! / Math.max(sum / horizon, 1e-9);
        expect(Math.abs(Math.log(ratio)), `row ${row}, hour ${first}, ${horizon} h`).toBeLessThan(0.12);
      });
    }
  });

  it("behaviour: what comes after a row's time changes none of its inputs", async () => {
    const from = rows.times[rows.rows >> 1]!;
    const moved = await toBreachRows(movedFrom(from), { until, maxRows, random: random() });
    const before = rows.times.filter((t) => t <= from).length * BREACH_INPUTS;
    expect(moved.inputs.subarray(0, before)).toEqual(rows.inputs.subarray(0, before));
    expect(moved.targets).not.toEqual(rows.targets);
  });
});

describe("network of a vault", () => {
  let fit: BreachNetworkFit;
  beforeAll(async () => {
    await chooseBackend("wasm", () => {});
    fit = await fitBreachNetwork(market, request);
  });

  it("default: 24-32-16-4, in bytes that read back, with a report of times held back", () => {
    const bytes = networkBytes(fit.network);
    expect(readNetwork(bytes)).toEqual(fit.network);
    expect(readBreachNetwork(`0x${Buffer.from(bytes).toString("hex")}`)).toEqual(fit.network);
    expect(fit.network.layers.map(({ outputs }) => outputs)).toEqual([32, 16, 4]);
    expect(fit.report.horizons.map(({ horizonHours }) => horizonHours)).toEqual([...HORIZONS_HOURS]);
    expect(fit.report.heldRows).toBeGreaterThan(300);
    expect(fit.report.rows).toBeGreaterThan(500);
  });

  it("behaviour: integers lose at most half a per cent of QLIKE against floats, at every horizon", () => {
    for (const { quantisationLossPct } of fit.report.horizons) expect(quantisationLossPct).toBeLessThan(0.5);
  });

  it("behaviour: the score ranks breaches of times held back", () => {
    const { breach } = fit.report;
    // This market is calm: within four hours nearly nothing leaves its band.
    for (const { auc, frequency } of breach.filter(({ horizonHours }) => horizonHours >= 24)) {
      expect(frequency).toBeGreaterThan(0);
      expect(auc).toBeGreaterThan(0.65);
    }
    for (const { band, horizonHours, frequency } of breach) {
      for (const other of breach)
        if (other.band >= band && other.horizonHours <= horizonHours)
          expect(other.frequency).toBeLessThanOrEqual(frequency);
    }
  });

  it("behaviour: the same bits again, others with another seed, and no tensor stays", async () => {
    const before = tf.memory().numTensors;
    const again = await fitBreachNetwork(market, request);
    expect(networkId(networkBytes(again.network))).toBe(networkId(networkBytes(fit.network)));
    expect(again.report).toEqual(fit.report);
    const other = await fitBreachNetwork(market, { ...request, seed: 4 });
    expect(networkId(networkBytes(other.network))).not.toBe(networkId(networkBytes(fit.network)));
    expect(tf.memory().numTensors).toBe(before);
  });

  it("behaviour: bars at or after `until` change no bit", async () => {
    const moved = await fitBreachNetwork(movedFrom(until), request);
    expect(moved).toEqual(fit);
  });

  it("behaviour: asks the very questions of the calibration, one score each, the higher the likelier", () => {
    const times = Float64Array.from({ length: 40 }, (_, k) => START + (1000 + 30 * k) * HOUR_MS);
    const folds = [{ trainEnd: 0, testStart: 0, testEnd: 40 }];
    const scores = toBreachScores(market, { times }, folds, [fit.network], 40);
    const perTime = (CALIBRATION_VAULT.assets + 1) * CALIBRATION_VAULT.bands.length;
    expect(scores).toHaveLength(40 * perTime);
    // Of one weight in the middle of its band, a wider band has the lower score, by twice the log of the ratio.
    const perBand = CALIBRATION_VAULT.assets + 1;
    for (let k = 0; k < 40; k++) {
      const [narrow, , wide] = [0, 1, 2].map((band) => scores[k * perTime + band * perBand]!);
      expect(narrow! - wide!).toBeGreaterThan(1500);
    }
  });

  it("error: an abort stops it and leaves no tensor", async () => {
    const before = tf.memory().numTensors;
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(fitBreachNetwork(market, { ...request, signal })).rejects.toThrow("stopped");
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("skill of the score", () => {
  it.each([
    [0, "stands still", 1],
    [1, "runs away from the rest", 100],
  ])("behaviour: %d of all breach where the weight's asset %s", async (share, _, factor) => {
    await chooseBackend("wasm", () => {});
    const rows = await toBreachRows(market, { until, maxRows, random: random() });
    const { network } = await fitBreachNetwork(market, request);
    // The base asset's price is the unit: it runs away where all others fall.
    const vaults = rows.vaults.map((vault) => ({
      ...vault,
      path: (hours: number) =>
        Array.from({ length: hours + 1 }, (_, hour) =>
          Float64Array.from(vault.assets, (_, i) => {
            if (hour < 20) return 1;
            return vault.holding === 0 ? 1 / factor : i === 0 ? factor : 1;
          }),
        ),
    }));
    const skills = scoreBreaches({ ...rows, vaults }, 0, network);
    // It does so in hour 20: within a day and a week, and not within one or four hours.
    expect(skills.map(({ frequency }) => frequency)).toEqual(
      CALIBRATION_VAULT.bands.flatMap(() => [0, 0, share, share]),
    );
    expect(skills.slice(0, 4).map(({ horizonHours }) => horizonHours)).toEqual([...HORIZONS_HOURS]);
  });
});
