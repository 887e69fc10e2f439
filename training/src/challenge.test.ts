import { HOUR_MS, unixMillis } from "@ballast/data";
import {
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  type NetworkArtefact,
  qlike,
  toForecaster,
  VARIANCE_FLOOR_PER_HOUR,
} from "@ballast/model";
import { beforeAll, describe, expect, it } from "vitest";
import { type Challenge, challenge, judge, LEAST_CHALLENGE_HOURS, WindowTooShortError } from "./challenge.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { LEAST_HISTORY_HOURS, train } from "./train.ts";

const TRAINED = LEAST_HISTORY_HOURS + 100;
const until = unixMillis(START + TRAINED * HOUR_MS);
const market = clean(await syntheticRaw(8, TRAINED + LEAST_CHALLENGE_HOURS + 24, ["BTC", "ETH"]));

/** The artefact, saying `factor` times its variance. */
const biased = (artefact: NetworkArtefact, factor: number): NetworkArtefact => ({
  ...artefact,
  logBias: artefact.logBias.map((b) => b + Math.log(factor)),
});

describe("challenge", () => {
  let good: NetworkArtefact;
  let found: Challenge;
  beforeAll(async () => {
    good = (await train(market, SMALL_CONFIG, { until, log: () => {}, backend: "wasm" })).artefact;
    found = await challenge(market, { champion: biased(good, 3), challenger: good, from: until });
  });

  it("default: the better model wins on a window that begins where training ended", () => {
    expect(Date.parse(found.from)).toBeGreaterThanOrEqual(until);
    expect(Date.parse(found.until)).toBeLessThanOrEqual(market.start + market.length * HOUR_MS);
    expect(found.ratio).toBeLessThan(0.9);
    expect(found.t).toBeLessThan(-2);
    expect(judge(found, false)).toMatchObject({
      isPromoted: true,
      reason: expect.stringMatching(/^beat the champion/),
    });
  });

  it("default: QLIKE is that of a plain loop over what the models say and what came", () => {
    const forecast = toForecaster(good);
    for (const [h, horizon] of HORIZONS_HOURS.entries()) {
      let sum = 0;
      for (let k = 0; k < found.times; k++) {
        const stride =
          (Date.parse(found.until) - Date.parse(found.from) - 168 * HOUR_MS) / HOUR_MS / (found.times - 1);
        const at = Date.parse(found.from) + k * stride * HOUR_MS;
        const { variance } = forecast(market.past(unixMillis(at)).snapshot(LOOKBACK_HOURS));
        const after = market.past(unixMillis(at + horizon * HOUR_MS));
        for (let asset = 0; asset < 2; asset++) {
          const { close } = after.bars(asset, horizon + 1);
          let realised = 0;
          for (let i = 1; i <= horizon; i++) realised += Math.log(close[i]! / close[i - 1]!) ** 2;
          sum +=
            qlike(Math.max(realised, horizon * VARIANCE_FLOOR_PER_HOUR), variance[asset]![h]!) /
            2 /
            found.times;
        }
      }
      expect(found.horizons[h]!.challenger).toBeCloseTo(sum, 5);
    }
  });

  it("behaviour: a model does not beat itself or a better one, and replaces an expired one it equals", async () => {
    const same = await challenge(market, { champion: good, challenger: good, from: until });
    expect([same.ratio, same.t]).toEqual([1, 0]);
    expect(judge(same, false)).toMatchObject({
      isPromoted: false,
      reason: expect.stringContaining("did not beat"),
    });
    expect(judge(same, true).isPromoted).toBe(true);
    const worse = await challenge(market, { champion: good, challenger: biased(good, 3), from: until });
    for (const [h, { t }] of worse.horizons.entries()) expect(t).toBeCloseTo(-found.horizons[h]!.t, 10);
    expect(worse.t).toBeGreaterThan(2);
    expect(worse.pValue).toBeGreaterThan(0.9);
    expect(judge(worse, false).isPromoted).toBe(false);
    expect(judge(worse, true).isPromoted).toBe(false);
  });

  it("error: too few bars after both trainings say how many there are and are needed", async () => {
    const late = unixMillis(until + 100 * HOUR_MS);
    const short = challenge(market, { champion: good, challenger: good, from: late });
    await expect(short).rejects.toThrow(WindowTooShortError);
    await expect(short).rejects.toThrow(/there are 811 hours of bars after .* needs 888/);
    const none = challenge(market, { champion: good, challenger: good, from: unixMillis(until + 1e11) });
    await expect(none).rejects.toThrow("there are 0 hours of bars");
    const aborted = {
      champion: good,
      challenger: good,
      from: until,
      signal: AbortSignal.abort(new Error("stopped")),
    };
    await expect(challenge(market, aborted)).rejects.toThrow("stopped");
  });
});
