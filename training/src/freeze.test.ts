import { HOUR_MS, type RawMarket, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { cutAt, DatasetChangedError, freeze, whileFrozen } from "./freeze.ts";
import { clean, START, syntheticRaw } from "./markets.fixture.ts";

const HOURS = 60;
const base = await syntheticRaw(2, HOURS, ["BTC", "ETH"]);
const raw: RawMarket = {
  ...base,
  exogenous: [
    {
      name: "base_fee_gwei",
      unit: "gwei",
      publishedAt: Float64Array.from({ length: HOURS }, (_, i) => START + i * HOUR_MS),
      value: Float64Array.from({ length: HOURS }, (_, i) => 20 + i),
    },
  ],
};
const until = unixMillis(START + 40 * HOUR_MS);
const now = unixMillis(START + 1000 * HOUR_MS);

describe("freeze", () => {
  it("default: ends at `until`, and its root depends on nothing later", () => {
    const { market } = freeze(raw, { until, now });
    expect([market.start, market.length]).toEqual([START, 40]);
    expect(market.past(now).exogenous("base_fee_gwei", 99).value.at(-1)).toBe(60);
    const grown = cutAt(raw, unixMillis(START + 50 * HOUR_MS));
    expect(freeze(grown, { until, now }).market.hash).toBe(market.hash);
    expect(freeze(raw, { until: unixMillis(until + HOUR_MS), now }).market.hash).not.toBe(market.hash);
  });

  it("behaviour: without `until`, or with one to come, it is the market as quality control has it", () => {
    expect(freeze(raw, { now }).market.hash).toBe(clean(raw).hash);
    expect(freeze(raw, { until: unixMillis(now + 1), now }).market.hash).toBe(clean(raw).hash);
  });

  it("behaviour: what is published after the last bar is no part of it, so that its own end gives its root again", () => {
    const short = { ...raw, series: cutAt(raw, until).series };
    const { market } = freeze(short, { now });
    const end = unixMillis(market.start + market.length * HOUR_MS);
    expect(market.length).toBe(39);
    expect(market.past(now).exogenous("base_fee_gwei", 1).publishedAt[0]).toBe(end);
    expect(freeze(short, { until: end, now: end }).market.hash).toBe(market.hash);
    expect(market.hash).not.toBe(clean(short).hash);
    // With an `until` before which the last bar is not shown to be complete, likewise.
    expect(freeze(cutAt(raw, until), { until, now }).market.hash).toBe(market.hash);
  });

  it("behaviour: a last bar that nothing shows to be complete is left out", () => {
    const recorded = cutAt(raw, until);
    expect(freeze(recorded, { until, now }).market.length).toBe(39);
    expect(freeze(recorded, { until, now: until }).market.length).toBe(40);
  });

  it("error: a data set that changes under a running job refuses its result", async () => {
    let loads = 0;
    const load = async () => {
      loads += 1;
      return freeze(loads === 1 ? raw : cutAt(raw, unixMillis(START + 50 * HOUR_MS)), { now }).market;
    };
    const job = whileFrozen(load, async () => "a model");
    await expect(job).rejects.toThrow(DatasetChangedError);
    await expect(job).rejects.toThrow(
      /its root was 0x[0-9a-f]{64} and is now 0x[0-9a-f]{64}. Nothing was stored/,
    );
    expect(loads).toBe(2);
    await expect(
      whileFrozen(
        async () => clean(raw),
        async ({ length }) => length,
      ),
    ).resolves.toBe(HOURS - 1);
    // One that only grows beyond `until` stays the same data set.
    loads = 0;
    const cut = async () => {
      loads += 1;
      return freeze(loads === 1 ? cutAt(raw, unixMillis(START + 50 * HOUR_MS)) : raw, { until, now }).market;
    };
    await expect(whileFrozen(cut, async () => "a model")).resolves.toBe("a model");
  });
});
