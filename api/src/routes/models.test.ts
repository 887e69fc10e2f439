import { expect, test } from "vitest";
import { serveFixture } from "../../test/ask.ts";
import {
  artefactsOf,
  MANIFEST,
  MODEL,
  MODEL_ID,
  NETWORK,
  NETWORK_ID,
  startFixture,
} from "../../test/fixture.ts";

const { get } = serveFixture();

test("default: models with their manifests, and the shape of one", async () => {
  expect((await get("/v1/models")).body).toStrictEqual({ items: [MANIFEST] });
  const { body } = await get(`/v1/models/${MODEL_ID}`);
  expect(body).toMatchObject({ modelId: MODEL_ID, manifest: MANIFEST });
  const [inputs = 0, hidden = 0, outputs = 0] = body.artefact.members[0];
  expect(body.artefact).toMatchObject({
    bytes: MODEL.length,
    // The linear layer, and one hidden layer of eight.
    parameters: (inputs + 1) * outputs + (inputs + 1) * hidden + (hidden + 1) * outputs,
  });
  expect(hidden).toBe(8);
});

test("default: a vault's network in the bytes that its name is the hash of", async () => {
  const { body, headers } = await get(`/v1/networks/${NETWORK_ID.toUpperCase().replace("X", "x")}`);
  expect(body).toEqual({ networkId: NETWORK_ID, modelId: MODEL_ID, bytes: NETWORK });
  expect(headers["cache-control"]).toContain("immutable");
});

test("behaviour: a model whose manifest alone is kept is still listed", async () => {
  const own = await startFixture(artefactsOf(Buffer.from(JSON.stringify(MANIFEST))));
  const response = await own.app.inject(`/v1/models/${MODEL_ID}`);
  expect(response.json()).toStrictEqual({ modelId: MODEL_ID, manifest: MANIFEST, artefact: null });
  await own.close();
});
