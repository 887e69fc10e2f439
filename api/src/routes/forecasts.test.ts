import { forecastHash } from "@ballast/model";
import { expect, test } from "vitest";
import { serveFixture } from "../../test/ask.ts";
import { atOf, forecastOf } from "../../test/fixture.ts";

const { get } = serveFixture();

test("default: the latest forecast alone, with annual volatility", async () => {
  const { body } = await get("/v1/forecasts");
  expect(body.items).toHaveLength(1);
  expect(body.items[0]).toMatchObject({ hash: forecastHash(forecastOf(11)), at: "2022-08-09T11:00:00Z" });
  // 24 h at a variance of 2.4e-4: sqrt(2.4e-4 · 365) = sqrt(0.0876).
  expect(body.items[0].assets[0]).toStrictEqual({
    asset: "BTC",
    horizons: [
      { hours: 1, variance: 1.2e-4, volAnnual: Math.sqrt(1.2e-4 * 8_760), quantiles: [9.6e-5, 1.44e-4] },
      { hours: 24, variance: 2.4e-4, volAnnual: expect.closeTo(0.29597297, 8), quantiles: [2e-4, 3e-4] },
    ],
    correlation: { BTC: 1, ETH: 0.8 },
  });
  expect(body.items[0].levels).toEqual([0.25, 0.75]);
  const at = (mean: number) => ({ mean, quantiles: [mean / 2, 2 * mean] });
  expect(body.items[0].costs).toStrictEqual({
    levels: [0.05, 0.95],
    series: [
      {
        series: "base_fee_gwei",
        now: 24,
        horizons: [
          { hours: 1, last: at(22), mean: at(22), lowest: at(22) },
          { hours: 4, last: at(20), mean: at(21), lowest: at(18) },
        ],
      },
    ],
  });
});

test("behaviour: forecasts of a period, of one asset, page by page", async () => {
  const times: string[] = [];
  let url = `/v1/forecasts?from=${atOf(2)}&to=2022-08-09T07:00:00%2B00:00&limit=2&asset=eth`;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await get(cursor === "" ? url : `${url}&cursor=${cursor}`);
    for (const { at, assets } of body.items) {
      times.push(at);
      expect(assets.map(({ asset }: { asset: string }) => asset)).toEqual(["ETH"]);
    }
    cursor = body.nextCursor;
  }
  expect(times).toEqual(["06", "05", "04", "03", "02"].map((hour) => `2022-08-09T${hour}:00:00Z`));
  url = `/v1/forecasts?asset=DOGE`;
  expect((await get(url)).body.items[0].assets).toEqual([]);
});
