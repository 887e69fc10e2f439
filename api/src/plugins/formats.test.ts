import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { HOUR_MS } from "@ballast/data";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  artefactsOf,
  atOf,
  decidedOf,
  EXECUTION,
  forecastOf,
  MODEL_ID,
  startFixture,
  word,
} from "../../test/fixture.ts";
import { SERIES, SNAPSHOT } from "../../test/market-fixture.ts";
import { createApi } from "../app.ts";
import { negotiate } from "./formats.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const get = (url: string, headers: Record<string, string> = {}) =>
  fixture.app.inject({ method: "GET", url, headers });
/** Cells of a CSV without quotes. */
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\r\n")
    .map((line) => line.split(","));

describe("formats", () => {
  test("default: the same bars as JSON, CSV, Arrow and Parquet, by parameter or by Accept", async () => {
    const url = "/v1/bars?asset=BTC&from=2022-08-09&limit=2";
    const { items } = (await get(url)).json();
    const start = SERIES.BTC.time.indexOf(Date.UTC(2022, 7, 9));
    expect(items).toEqual(
      [start, start + 1].map((i) => ({
        time: `2022-08-09T0${i - start}:00:00Z`,
        asset: "BTC",
        open: SERIES.BTC.bars.open[i],
        high: SERIES.BTC.bars.high[i],
        low: SERIES.BTC.bars.low[i],
        close: SERIES.BTC.bars.close[i],
        volume: SERIES.BTC.bars.volume[i],
      })),
    );
    const csv = await get(url, { accept: "text/csv" });
    expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8; header=present");
    expect(csv.headers["content-disposition"]).toBe('attachment; filename="bars.csv"');
    expect(csv.body).toBe((await get(`${url}&format=csv`, { accept: "application/json" })).body);
    const [header = [], ...rows] = linesOf(csv.body);
    expect(header).toEqual(Object.keys(items[0]));
    expect(rows).toEqual(items.map((item: object) => Object.values(item).map(String)));
    const arrow = await get(url, { accept: "application/vnd.apache.arrow.stream, */*;q=0.1" });
    expect(arrow.headers["content-type"]).toBe("application/vnd.apache.arrow.stream");
    const [first] = tableFromIPC(arrow.rawPayload).toArray();
    expect({ ...first.toJSON() }).toEqual({ ...items[0], time: Date.UTC(2022, 7, 9) });
    const parquet = await get(`${url}&format=parquet`);
    expect(parquet.headers["content-type"]).toBe("application/vnd.apache.parquet");
    expect(parquet.rawPayload.subarray(0, 4).toString()).toBe("PAR1");
    expect(parquet.rawPayload.subarray(-4).toString()).toBe("PAR1");
  });

  test.each([
    [undefined, "json"],
    ["*/*", "json"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "json"],
    ["text/*", "csv"],
    ["application/json;q=0.5, text/csv", "csv"],
    ["application/json;q=0, */*", "csv"],
    ["application/vnd.apache.parquet", "parquet"],
    ["APPLICATION/VND.APACHE.ARROW.STREAM", "arrow"],
    ["application/*;q=0.2, application/vnd.apache.arrow.stream;q=0.9", "arrow"],
  ] as const)("behaviour: Accept %s is answered as %s", (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });

  test("error: what nobody here can make is a 406 that says what there is", async () => {
    const { statusCode, body } = await get("/v1/forecasts", { accept: "image/png" });
    expect(statusCode).toBe(406);
    expect(JSON.parse(body)).toMatchObject({
      code: "NOT_ACCEPTABLE",
      detail: expect.stringContaining("text/csv"),
    });
    // A route without a table is JSON whatever is asked for, and so is a problem.
    expect((await get("/v1/runs", { accept: "image/png" })).statusCode).toBe(200);
    expect((await get("/v1/bars?asset=DOGE&format=csv")).json()).toMatchObject({ status: 404 });
  });

  test("behaviour: fields selects, in the order given, in every format", async () => {
    const url = "/v1/bars?asset=BTC&limit=1&fields=close,time";
    expect(Object.keys((await get(url)).json().items[0])).toEqual(["close", "time"]);
    expect((await get(`${url}&format=csv`)).body).toMatch(/^close,time\r\n/);
    const { body } = await get("/v1/decisions?limit=2&fields=hash,weights");
    expect(JSON.parse(body).items).toEqual(
      [22, 21].map(() => ({ hash: expect.any(String), weights: [0.3, 0.7] })),
    );
    expect((await get("/v1/decisions?limit=1&fields=at,stage&format=csv")).body).toBe(
      "at,stage\r\n2022-08-09T22:00:00Z,decided\r\n",
    );
  });

  test("behaviour: every page names the next one, and all pages together hold each bar once", async () => {
    const times: number[] = [];
    let url: string | undefined = "/v1/bars?asset=BTC&format=csv&limit=999";
    for (let pages = 0; url !== undefined && pages < 10; pages++) {
      const response: Awaited<ReturnType<typeof get>> = await get(url);
      times.push(
        ...linesOf(response.body)
          .slice(1)
          .map(([time = ""]) => Date.parse(time)),
      );
      url = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link))?.[1];
    }
    expect(times).toEqual(Array.from(SERIES.BTC.time));
  });

  test("behaviour: an unchanged table costs a 304, and what depends on Accept says so", async () => {
    const first = await get("/v1/bars?asset=BTC&format=csv");
    const { etag = "", vary } = first.headers;
    expect(vary).toContain("accept");
    const again = await get("/v1/bars?asset=BTC&format=csv", { "if-none-match": etag });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
    const head = await fixture.app.inject({ method: "HEAD", url: "/v1/bars?asset=BTC&format=csv" });
    expect(head.headers).toMatchObject({ etag, "content-length": String(first.rawPayload.length) });
  });

  test.each([
    ["gzip", gunzipSync],
    ["br", brotliDecompressSync],
  ] as const)("behaviour: %s for who accepts it, the same bytes within", async (encoding, decompress) => {
    for (const url of ["/v1/bars?asset=BTC&format=csv", "/v1/bars?asset=BTC", "/v1/decisions"]) {
      const plain = await get(url);
      const packed = await get(url, { "accept-encoding": encoding });
      expect(packed.headers).toMatchObject({ "content-encoding": encoding, etag: plain.headers.etag });
      expect(packed.headers.vary).toContain("accept-encoding");
      expect(decompress(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
      expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length);
    }
  });
});

describe("tables", () => {
  test("default: forecasts as a row an asset and horizon, with a column a quantile", async () => {
    const [header, ...rows] = linesOf((await get("/v1/forecasts?format=csv")).body);
    expect(header).toEqual([
      "at",
      "hash",
      "modelId",
      "asset",
      "hours",
      "variance",
      "volAnnual",
      "q0.25",
      "q0.75",
    ]);
    expect(rows.map((row) => [row[0], row[2], row[3], row[4], row[5], row[7], row[8]])).toEqual([
      ["2022-08-09T11:00:00Z", MODEL_ID, "BTC", "1", "0.00012", "0.000096", "0.000144"],
      ["2022-08-09T11:00:00Z", MODEL_ID, "BTC", "24", "0.00024", "0.0002", "0.0003"],
      ["2022-08-09T11:00:00Z", MODEL_ID, "ETH", "1", "0.00002", "0.000015", "0.000025"],
      ["2022-08-09T11:00:00Z", MODEL_ID, "ETH", "24", "0.00048", "0.0004", "0.0006"],
    ]);
    const one = linesOf((await get("/v1/forecasts?format=csv&asset=ETH&hours=24&limit=12")).body);
    expect(one.slice(1).map((row) => [row[3], row[4]])).toEqual(Array(12).fill(["ETH", "24"]));
    const { assets } = (await get("/v1/forecasts?hours=24")).json().items[0];
    expect(
      assets.flatMap(({ horizons }: { horizons: { hours: number }[] }) => horizons.map(({ hours }) => hours)),
    ).toEqual([24, 24]);
  });

  test("default: decisions as rows; fixed point keeps every digit", async () => {
    const [header = [], row = []] = linesOf((await get("/v1/decisions?stage=executed&format=csv")).body);
    const cell = (name: string) => row[header.indexOf(name)];
    expect(cell("hash")).toBe(decidedOf(5, true).hash);
    expect(cell("navBefore")).toBe("1000000000000000000000000");
    expect(cell("gasPrice")).toBe("1000000000000000000");
    expect(cell("minedAt")).toBe("2021-05-03T00:00:12Z");
    expect(cell("trades")).toBe("1");
    expect(cell("isBreached")).toBe("false");
    const arrow = tableFromIPC((await get("/v1/decisions?stage=executed&format=arrow")).rawPayload);
    expect(arrow.getChild("navAfter")?.get(0)).toBe(String(EXECUTION.navAfter));
    expect(arrow.getChild("rejection")?.get(0)).toBeNull();
  });

  test("default: breach probabilities are those of the decision's own outlook", async () => {
    const { body } = await get(`/v1/decisions/${decidedOf(11, false).hash}`);
    const expected = JSON.parse(body).outlook;
    const { items } = (await get("/v1/breaches?run=predictive")).json();
    expect(items).toHaveLength(4);
    for (const row of items) {
      const { horizons, ...holding } = expected.find(({ asset }: { asset: string }) => asset === row.asset);
      const horizon = horizons.find(({ hours }: { hours: number }) => hours === row.hours);
      expect(row).toMatchObject({ ...holding, ...horizon });
    }
    const all = (await get("/v1/breaches?run=predictive&asset=usdc&hours=24&from=2022-08-09")).json();
    expect(all.items.map(({ at }: { at: string }) => at)).toEqual(
      Array.from({ length: 12 }, (_, n) => new Date(atOf(11 - n)).toISOString().replace(".000", "")),
    );
    const [header = [], row = []] = linesOf(
      (await get("/v1/breaches?run=predictive&asset=BTC&hours=1&format=csv")).body,
    );
    // A weight that need not leave its band has no hour at which it does.
    expect(row[header.indexOf("hoursToBreach")]).toBe("");
    expect(header.slice(-1)[0]).toMatch(/^q0\.\d+$/);
    // Decisions without a forecast have no outlook.
    expect((await get("/v1/breaches?run=threshold")).json().items).toEqual([]);
  });

  test("default: costs ahead, a row a series, horizon and target", async () => {
    const { items } = (await get("/v1/costs?hours=4")).json();
    const [series] = forecastOf(11).costs!.series;
    expect(
      items.map(({ target, mean, quantiles }: Record<string, unknown>) => [target, mean, quantiles]),
    ).toEqual(
      (["last", "mean", "lowest"] as const).map((target) => [
        target,
        series![target][1]!.mean,
        [...series![target][1]!.quantiles],
      ]),
    );
    expect((await get("/v1/costs?hours=4&format=csv")).body.split("\r\n")[0]).toBe(
      "at,forecast,modelId,series,now,hours,target,mean,q0.05,q0.95",
    );
    expect((await get("/v1/costs?series=none")).json().items).toEqual([]);
  });

  test("default: assets, snapshots and data sets", async () => {
    expect(linesOf((await get("/v1/assets?format=csv")).body)).toEqual([
      ["exchange", "asset", "quote", "interval", "from", "to"],
      ...["binance,BTC", "binance,ETH", "kraken,ETH"].map((name) => [
        ...name.split(","),
        "USDT",
        "1h",
        "2022-08-01T00:00:00Z",
        "2022-11-13T03:00:00Z",
      ]),
    ]);
    const { items, nextCursor } = (await get("/v1/snapshots?run=predictive&limit=5")).json();
    expect(items[0]).toEqual({
      root: word(2),
      at: "2022-08-09T11:00:00Z",
      run: "predictive",
      decision: decidedOf(11, false).hash,
    });
    const next = (await get(`/v1/snapshots?run=predictive&limit=7&cursor=${nextCursor}`)).json();
    expect(next.items).toHaveLength(7);
    const kept = await get(`/v1/snapshots/${SNAPSHOT.root}`);
    expect(kept.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    const rows = kept.json().items;
    expect(rows).toHaveLength(96);
    expect(rows[0]).toMatchObject({ asset: "BTC", close: SNAPSHOT.bars[0]!.close[0] });
    expect(Date.parse(rows[95].time)).toBe(SNAPSHOT.at - HOUR_MS);
    expect(rows[95]).toMatchObject({ asset: "ETH", volume: SNAPSHOT.bars[1]!.volume[47] });
    expect((await get("/v1/datasets")).json().items).toEqual([
      {
        root: word(8),
        name: null,
        assets: ["BTC", "ETH"],
        intervalMs: null,
        from: null,
        until: null,
        models: [MODEL_ID],
      },
    ]);
    expect(linesOf((await get("/v1/datasets?format=csv&fields=asset,models")).body).slice(1)).toEqual([
      ["BTC", "1"],
      ["ETH", "1"],
    ]);
  });

  test("error: a service without a store of bars says how to give it one", async () => {
    const app = await createApi({ journal: fixture.journal, artefacts: artefactsOf() });
    for (const url of ["/v1/assets", "/v1/bars?asset=BTC"])
      expect((await app.inject(url)).json()).toMatchObject({ status: 404, code: "BARS_NOT_SERVED" });
    expect((await app.inject(`/v1/snapshots/${SNAPSHOT.root}`)).statusCode).toBe(404);
    await app.close();
  });
});
