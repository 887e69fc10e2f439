import { createRequire } from "node:module";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { executed, serveFixture } from "../test/ask.ts";
import { address, MODEL_ID, NETWORK_ID, UID, word } from "../test/fixture.ts";
import { SNAPSHOT } from "../test/market-fixture.ts";

const { get, offchainUid } = serveFixture();

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly description: string;
    readonly example?: unknown;
    readonly schema: { readonly enum?: readonly string[] };
  }[];
}

// The validator that the client's generator brings with it.
const fromGenerator = createRequire(createRequire(import.meta.url).resolve("openapi-typescript"));
const { createConfig, lintFromString } = fromGenerator("@redocly/openapi-core") as {
  createConfig(config: object): Promise<object>;
  lintFromString(options: { source: string; config: object }): Promise<{ message: string }[]>;
};
async function faultsOf(source: string): Promise<string[]> {
  const config = await createConfig({
    rules: { struct: "error", "no-unresolved-refs": "error" },
  });
  return (await lintFromString({ source, config })).map(({ message }) => message);
}

describe("OpenAPI", () => {
  const ROUTES: Readonly<Record<string, readonly (() => string)[]>> = {
    "/v1/forecasts": [() => "/v1/forecasts", () => "/v1/forecasts?limit=10&asset=BTC"],
    "/v1/decisions": [() => "/v1/decisions"],
    "/v1/decisions/{hash}": [
      () => `/v1/decisions/${executed.hash}`,
      () => `/v1/decisions/${word(1)}`,
      () => "/v1/decisions/1",
    ],
    "/v1/decisions/{hash}/verify": [
      () => `/v1/decisions/${executed.hash}/verify`,
      () => `/v1/decisions/${word(1)}/verify`,
      () => "/v1/decisions/1/verify",
    ],
    "/v1/vaults": [() => "/v1/vaults"],
    "/v1/vaults/{address}": [() => `/v1/vaults/${address(9)}`, () => `/v1/vaults/${address(8)}`],
    "/v1/vaults/{address}/weights": [
      () => `/v1/vaults/${address(9)}/weights?limit=2`,
      () => `/v1/vaults/${address(8)}/weights`,
      () => "/v1/vaults/9/weights",
    ],
    "/v1/attestations/{uid}": [() => `/v1/attestations/${UID}`, () => `/v1/attestations/${word(1)}`],
    "/v1/attestations/{uid}/evidence": [() => `/v1/attestations/${offchainUid()}/evidence`],
    "/v1/models": [() => "/v1/models"],
    "/v1/models/{modelId}": [() => `/v1/models/${MODEL_ID}`, () => `/v1/models/${word(1)}`],
    "/v1/models/metrics": [() => "/v1/models/metrics"],
    "/v1/models/compare": [() => "/v1/models/compare", () => `/v1/models/compare?a=${word(1)}&b=${word(2)}`],
    "/v1/models/promotions": [() => "/v1/models/promotions"],
    "/v1/models/{modelId}/over-time": [
      () => `/v1/models/${word(1)}/over-time`,
      () => "/v1/models/1/over-time",
    ],
    "/v1/models/{modelId}/reliability": [
      () => `/v1/models/${word(1)}/reliability`,
      () => "/v1/models/1/reliability",
    ],
    "/v1/networks/{networkId}": [() => `/v1/networks/${NETWORK_ID}`, () => `/v1/networks/${word(1)}`],
    "/v1/runs": [() => "/v1/runs"],
    "/v1/assets": [() => "/v1/assets", () => "/v1/assets?x=1", () => "/v1/assets?format=xlsx"],
    "/v1/bars": [() => "/v1/bars?asset=BTC&limit=3", () => "/v1/bars?asset=ETH", () => "/v1/bars?asset=DOGE"],
    "/v1/snapshots": [() => "/v1/snapshots"],
    "/v1/snapshots/{root}": [() => `/v1/snapshots/${SNAPSHOT.root}`, () => `/v1/snapshots/${word(1)}`],
    "/v1/breaches": [() => "/v1/breaches", () => "/v1/breaches?limit=100"],
    "/v1/costs": [() => "/v1/costs", () => "/v1/costs?limit=5&series=base_fee_gwei&hours=4"],
    "/v1/datasets": [() => "/v1/datasets"],
    "/v1/backtests": [() => "/v1/backtests"],
    "/v1/backtests/data-sets": [() => "/v1/backtests/data-sets"],
    "/v1/backtests/{id}": [() => `/v1/backtests/${"0".repeat(24)}`, () => "/v1/backtests/1"],
    "/v1/backtests/{id}/events": [() => `/v1/backtests/${"0".repeat(24)}/events`],
    "/v1/backtests/{id}/report": [() => `/v1/backtests/${"0".repeat(24)}/report`],
    "/v1/backtests/{id}/records/{label}": [() => `/v1/backtests/${"0".repeat(24)}/records/threshold`],
    "/health": [() => "/health"],
    "/ready": [() => "/ready"],
  };

  test("default: the document has exactly the routes, and every answer is as it says", async () => {
    const { body: document } = await get("/openapi.json");
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).sort()).toEqual(Object.keys(ROUTES).sort());
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    for (const [path, examples] of Object.entries(ROUTES)) {
      for (const example of examples) {
        const { status, headers, body } = await get(example());
        const answer = document.paths[path].get.responses[status];
        expect(answer, `${path} ${status}`).toBeDefined();
        const { schema } = answer.content[String(headers["content-type"]).split(";", 1)[0] ?? ""];
        const validate = ajv.compile(schema);
        validate(body);
        expect(validate.errors, example()).toBeNull();
        if (status >= 400) expect(headers["content-type"]).toMatch("application/problem+json");
      }
    }
  });

  test("default: every route says what it is, every parameter what it means and how it looks", async () => {
    const { body: document } = await get("/openapi.json");
    for (const [path, { get: operation }] of Object.entries<{ get: Operation }>(document.paths)) {
      expect(operation.summary, path).toMatch(/^[A-Z]/);
      expect(operation.description, path).toMatch(/\.$/);
      for (const { name, description, example, schema } of operation.parameters ?? []) {
        expect(description, `${path} ${name}`).toMatch(/^[A-Z]|nextCursor/);
        expect(example ?? schema.enum?.[0], `${path} ${name}`).toBeDefined();
      }
    }
  });

  test("default: the document is valid OpenAPI 3.1; error: a broken one is found", async () => {
    const { text, body: document } = await get("/openapi.json");
    expect(await faultsOf(text)).toEqual([]);
    document.paths["/v1/runs"].get.parameters = [{ name: "x", in: "nowhere", schema: {} }];
    expect(await faultsOf(JSON.stringify(document))).toEqual([expect.stringContaining("in")]);
  });
});
