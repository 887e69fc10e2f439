import type { Hex, Promotion } from "@ballast/data";
import { type ModelManifest, manifestBytes, type OutOfSampleReport } from "@ballast/model";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { artefactsOf, MANIFEST, startFixture, word } from "../test/fixture.ts";
import { createApi } from "./app.ts";

const score = (horizonHours: number, ratio: number, coverage90: number) => ({
  horizonHours,
  qlike: { network: 2 * ratio, linear: 1.9, logHar: 2, ewma: 2.4 },
  ratioToLogHar: { network: ratio, linear: 0.95, logHar: 1, ewma: 1.2 },
  tAgainstLogHar: -3.5,
  tAgainstLinear: -1.25,
  coverage90,
});
const OUT_OF_SAMPLE: OutOfSampleReport = {
  spans: [
    {
      from: "2021-06-02T00:00:00Z",
      until: "2021-07-30T00:00:00Z",
      fold: 0,
      rows: 40,
      qlike: { network: [1.5, 0.5], linear: [1.6, 0.6], logHar: [2, 0.5], ewma: [3, 0.75] },
    },
    {
      from: "2021-08-02T00:00:00Z",
      until: "2021-09-30T00:00:00Z",
      fold: 1,
      rows: 42,
      qlike: { network: [2.5, 0.3], linear: [2.5, 0.3], logHar: [2, 0.4], ewma: [1, 0.4] },
    },
  ],
  breach: {
    horizonHours: 24,
    from: "2021-08-02T00:00:00Z",
    until: "2021-09-30T00:00:00Z",
    raw: [{ forecast: 0.04, observed: 0.02, count: 30 }],
    recalibrated: [
      { forecast: 0.05, observed: 0, count: 10 },
      { forecast: 0.15, observed: 0.2, count: 20 },
    ],
  },
  quantiles: [{ horizonHours: 1, rows: 82, levels: [0.05, 0.95], observed: [0.04, 0.97] }],
};
const manifestOf = (n: number, until: string, ratios: readonly number[], seed: number): ModelManifest => ({
  format: "ballast-manifest/1",
  modelId: word(n),
  dataset: {
    root: word(100 + (n % 2)),
    name: "bars",
    assets: ["BTC", "ETH"],
    intervalMs: 3_600_000,
    from: "2021-01-01T00:00:00Z",
    until,
    times: 100,
    strideHours: 3,
  },
  configuration: { seed, maxRows: 1_000 },
  features: ["a"],
  backend: { name: "wasm", version: "4", reproducible: true, reason: "the first that runs" },
  versions: {},
  folds: [
    {
      trainUntil: "2021-06-01T00:00:00Z",
      testFrom: "2021-06-02T00:00:00Z",
      testUntil: "2021-08-01T00:00:00Z",
      epochs: [1],
      belief: [1],
    },
    {
      trainUntil: "2021-08-01T00:00:00Z",
      testFrom: "2021-08-02T00:00:00Z",
      testUntil: "2021-10-01T00:00:00Z",
      epochs: [1],
      belief: [1],
    },
  ],
  metrics: ratios.map((ratio, i) => score([1, 24][i]!, ratio, 0.88 + i / 100)),
  calibration: {
    a: -0.5,
    b: 0.8,
    predictions: 640,
    frequency: 0.21,
    brierSkillRaw: 0.1,
    brierSkillCalibrated: 0.2,
  },
  // Older ones have none.
  ...(n === 1 && { outOfSample: OUT_OF_SAMPLE }),
  costs: {
    served: [
      {
        series: "base_fee_gwei",
        transform: "log",
        hours: 900,
        scoredFrom: "2021-06-01T00:00:00Z",
        refits: 2,
        scores: [
          {
            horizonHours: 4,
            count: 50,
            rSquared: null,
            persistenceRSquared: 0.1,
            pinballRatio: 0.9,
            tAgainstPersistence: -1,
            coverage90: { last: 0.91, mean: 0.89, lowest: 0.87 },
          },
        ],
      },
    ],
    leftOut: [],
  },
  breachNetwork: {
    id: word(7),
    rows: 10,
    heldRows: 5,
    horizons: [],
    breach: [{ band: 0.02, horizonHours: 24, predictions: 90, frequency: 0.3, auc: 0.8, brierSkill: 0.15 }],
  },
});
const NEWER = manifestOf(1, "2022-01-01T00:00:00Z", [0.9, 0.97], 1);
const OLDER = manifestOf(3, "2021-11-01T00:00:00Z", [0.92, 0.95], 2);
const OTHER = manifestOf(4, "2021-12-01T00:00:00Z", [0.9], 1);
const PROMOTION: Promotion = {
  action: "promote",
  modelId: OLDER.modelId,
  at: "2022-01-02T00:00:00Z",
  expiresAt: "2022-03-02T00:00:00Z",
  reason: "won",
  isForced: false,
  evidence: { t: -3.5 },
  previous: null,
};

let fixture: Awaited<ReturnType<typeof startFixture>>;
let app: FastifyInstance;
beforeAll(async () => {
  fixture = await startFixture();
  app = await createApi({
    journal: fixture.journal,
    // A manifest of another program beside those of this one.
    artefacts: artefactsOf(
      ...[NEWER, OLDER, OTHER].map(manifestBytes),
      Buffer.from(JSON.stringify(MANIFEST)),
      Buffer.from([0, 255]),
    ),
    promotions: {
      history: async () => [PROMOTION, { ...PROMOTION, modelId: NEWER.modelId, previous: word(9) }],
      champion: async () => ({ ...PROMOTION, modelId: NEWER.modelId }),
    },
    logger: false,
  });
});
afterAll(async () => {
  await app.close();
  await fixture.close();
});
const get = async (path: string, of: FastifyInstance = app) => {
  const answer = await of.inject(`/v1/models/${path}`);
  return { status: answer.statusCode, body: answer.json() };
};

test("default: accuracy of all models against the baselines, in the order of their trainings", async () => {
  const { body } = await get("metrics");
  expect(body.items.map(({ modelId }: { modelId: Hex }) => modelId)).toEqual(
    [OLDER, OTHER, NEWER].map((m) => m.modelId),
  );
  expect(body.items[0]).toEqual({
    modelId: OLDER.modelId,
    trainedUntil: "2021-11-01T00:00:00Z",
    testedFrom: "2021-06-02T00:00:00Z",
    testedUntil: "2021-10-01T00:00:00Z",
    dataset: { root: word(101), assets: ["BTC", "ETH"] },
    scores: OLDER.metrics.map(({ horizonHours: hours, ...rest }) => ({ hours, ...rest })),
  });
});

test("default: how often came true what a model said", async () => {
  const { body } = await get(`${NEWER.modelId}/reliability`);
  expect(body.breach).toMatchObject({ a: -0.5, b: 0.8, predictions: 640, brierSkillCalibrated: 0.2 });
  const at = (p: number) =>
    body.breach.curve.find(({ predicted }: { predicted: number }) => predicted === p).expected;
  // At one half the logit is 0: logistic(−0.5) = 1 / (1 + e^0.5) = 0.37754.
  expect(at(0.5)).toBeCloseTo(0.37754, 5);
  // Odds of 9 become e^−0.5 · 9^0.8 = 0.606531 · 5.799546 = 3.517604; 3.517604 / 4.517604 = 0.778644.
  expect(at(0.9)).toBeCloseTo(0.778644, 6);
  expect(body.variance).toEqual([
    { hours: 1, nominal: 0.9, observed: 0.88 },
    { hours: 24, nominal: 0.9, observed: 0.89 },
  ]);
  expect(body.costs).toContainEqual({
    series: "base_fee_gwei",
    hours: 4,
    target: "lowest",
    nominal: 0.9,
    observed: 0.87,
  });
  expect(body.breachNetwork).toEqual([
    { band: 0.02, hours: 24, predictions: 90, frequency: 0.3, auc: 0.8, brierSkill: 0.15 },
  ]);
});

test("default: losses over time, by span and horizon, with the ratio to log-HAR's of the same span", async () => {
  const { body } = await get(`${NEWER.modelId}/over-time`);
  expect(body.modelId).toBe(NEWER.modelId);
  expect(body.spans).toHaveLength(4);
  expect(body.spans[1]).toEqual({
    from: "2021-06-02T00:00:00Z",
    until: "2021-07-30T00:00:00Z",
    trainedUntil: "2021-06-01T00:00:00Z",
    hours: 24,
    rows: 40,
    qlike: { network: 0.5, linear: 0.6, logHar: 0.5, ewma: 0.75 },
    ratioToLogHar: { network: 1, linear: 1.2, logHar: 1, ewma: 1.5 },
  });
  expect(body.spans[2]).toMatchObject({
    trainedUntil: "2021-08-01T00:00:00Z",
    hours: 1,
    ratioToLogHar: { network: 1.25, linear: 1.25, logHar: 1, ewma: 0.5 },
  });
});

test("default: what was said of breaches and quantiles against what came", async () => {
  const { body } = await get(`${NEWER.modelId}/reliability`);
  const { horizonHours: hours, ...rest } = OUT_OF_SAMPLE.breach;
  expect(body.breach.observed).toEqual({ hours, ...rest });
  expect(body.quantiles).toEqual([
    {
      hours: 1,
      rows: 82,
      levels: [
        { nominal: 0.05, observed: 0.04 },
        { nominal: 0.95, observed: 0.97 },
      ],
    },
  ]);
});

test("behaviour: an older manifest has not recorded it, and null says so; a comparison has that of the other", async () => {
  expect((await get(`${OLDER.modelId}/over-time`)).body).toEqual({ modelId: OLDER.modelId, spans: null });
  const { body: reliability } = await get(`${OLDER.modelId}/reliability`);
  expect([reliability.breach.observed, reliability.quantiles]).toEqual([null, null]);
  const { body } = await get(`compare?a=${NEWER.modelId}&b=${OLDER.modelId}`);
  expect(body.overTime.a).toEqual((await get(`${NEWER.modelId}/over-time`)).body.spans);
  expect(body.breach.a.recalibrated).toEqual(OUT_OF_SAMPLE.breach.recalibrated);
  expect([body.overTime.b, body.breach.b]).toEqual([null, null]);
});

test("default: two models side by side, with the settings that differ", async () => {
  const { body } = await get(`compare?a=${NEWER.modelId}&b=${OLDER.modelId}`);
  expect(body).toMatchObject({
    a: { modelId: NEWER.modelId },
    b: { modelId: OLDER.modelId },
    isSameData: true,
  });
  expect(body.horizons).toEqual([
    { hours: 1, ratioToLogHar: { a: 0.9, b: 0.92 }, qlike: { a: 1.8, b: 1.84 }, better: "a" },
    { hours: 24, ratioToLogHar: { a: 0.97, b: 0.95 }, qlike: { a: 1.94, b: 1.9 }, better: "b" },
  ]);
  expect(body.configuration).toEqual([{ key: "seed", a: 1, b: 2 }]);
});

test("behaviour: only horizons that both have, equal is neither better, and other data is said", async () => {
  const { body } = await get(`compare?a=${NEWER.modelId}&b=${OTHER.modelId}`);
  expect(body.isSameData).toBe(false);
  expect(body.horizons).toMatchObject([{ hours: 1, better: null }]);
  expect(body.configuration).toEqual([]);
});

test("default: promotions newest first, with the champion; none where nobody promotes", async () => {
  const { body } = await get("promotions");
  expect(body.champion).toBe(NEWER.modelId);
  expect(body.items.map(({ modelId }: { modelId: Hex }) => modelId)).toEqual([NEWER.modelId, OLDER.modelId]);
  expect(body.items[1]).toEqual(PROMOTION);
  expect((await get("promotions", fixture.app)).body).toEqual({ champion: null, items: [] });
});

test("error: an unknown model, one of another program, no id, one id alone", async () => {
  expect(await get(`compare?a=${NEWER.modelId}&b=${word(50)}`)).toMatchObject({
    status: 404,
    body: { code: "MODEL_NOT_FOUND", detail: expect.stringContaining(word(50)) },
  });
  expect(await get(`${MANIFEST.modelId}/reliability`)).toMatchObject({ status: 404 });
  expect(await get(`${word(50)}/over-time`)).toMatchObject({
    status: 404,
    body: { code: "MODEL_NOT_FOUND" },
  });
  expect(await get(`compare?a=champion&b=${word(1)}`)).toMatchObject({ status: 400 });
  expect(await get(`compare?a=${word(1)}`)).toMatchObject({
    status: 400,
    body: { code: "INVALID_PARAMETER" },
  });
});
