import { type Notary, NotaryRefusedError, NotarySourceError, toProposalFile } from "@ballast/attest";
import { type Hex, HOUR_MS, snapshotBytes, snapshotFromBytes, unixMillis } from "@ballast/data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNotaryApi } from "./notary.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const address = `0x${"a".repeat(40)}`;
const at = unixMillis(Date.UTC(2022, 0, 1));
const column = Float64Array.of(1, 2);
const bars = [{ open: column, high: column, low: column, close: column, volume: column }];
const snapshot = snapshotFromBytes(
  snapshotBytes({ at, intervalMs: HOUR_MS, assets: ["BTC"], bars, exogenous: [] }),
);
const proposal = toProposalFile({ inputRoot: snapshot.root, featuresRoot: word("2"), snapshot });
const signature: Hex = `0x${"12".repeat(65)}`;

let answer: Notary["notarise"];
const about = { source: "files", featureTolerance: 512, priceToleranceBps: 100 };
const notary = {
  name: address,
  address,
  notarise: (...args: Parameters<Notary["notarise"]>) => answer(...args),
};
let app: Awaited<ReturnType<typeof createNotaryApi>>;
beforeAll(async () => {
  app = await createNotaryApi({ notary, about, logger: false });
});
afterAll(() => app.close());
const post = async (body: unknown) => {
  const response = await app.inject({ method: "POST", url: "/v1/statements", payload: body as object });
  return { status: response.statusCode, type: response.headers["content-type"], body: response.json() };
};

describe("POST /v1/statements", () => {
  it("default: the signature, who made it, and what was found", async () => {
    answer = async ({ inputRoot }) => {
      expect(inputRoot).toBe(snapshot.root);
      return {
        notary: address as Hex,
        signature,
        judgement: { kind: "within", feature: 3, priceBps: 1.5, notSame: ["x"] },
      };
    };
    const judgement = { kind: "within", feature: 3, priceBps: 1.5, notSame: ["x"] };
    expect(await post(proposal)).toMatchObject({
      status: 200,
      body: { notary: address, signature, judgement },
    });
    answer = async () => ({ notary: address as Hex, signature, judgement: { kind: "equal" } });
    expect((await post(proposal)).body.judgement).toEqual({ kind: "equal" });
  });

  it("error: a refusal says why, as a problem", async () => {
    const refusal = {
      kind: "refused",
      what: "feature",
      asset: "BTC",
      name: "x",
      theirs: "1",
      ours: "9",
      detail: "x of BTC is 1 there and 9 here",
    } as const;
    answer = async () => {
      throw new NotaryRefusedError(address, refusal);
    };
    expect(await post(proposal)).toMatchObject({
      status: 409,
      type: "application/problem+json; charset=utf-8",
      body: { code: "NOTARY_REFUSED", detail: expect.stringContaining(refusal.detail) },
    });
    answer = async () => {
      throw new NotarySourceError(address, new NotaryRefusedError("the exchange", refusal));
    };
    expect((await post(proposal)).body).toMatchObject({ status: 409, code: "NOTARY_SOURCE" });
  });

  it("error: a defect is the server's own, and tells nothing of itself", async () => {
    answer = async () => {
      throw new TypeError("secret");
    };
    const { status, body } = await post(proposal);
    expect([status, body.code]).toEqual([500, "INTERNAL"]);
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it.each<[string, unknown, number]>([
    ["nothing", {}, 400],
    ["an unknown key", { ...proposal, note: 1 }, 400],
    ["another format", { ...proposal, format: "x" }, 400],
    ["a root in upper case", { ...proposal, inputRoot: word("A") }, 400],
    ["a time as text", { ...proposal, at: String(at) }, 400],
    ["no asset", { ...proposal, assets: [] }, 400],
    ["bytes that are no snapshot", { ...proposal, snapshot: "AAAA" }, 400],
    ["a time that is not the snapshot's", { ...proposal, at: at - 1 }, 400],
  ])("error: %s", async (_, body, status) => {
    answer = async () => expect.fail("it came through");
    expect(await post(body)).toMatchObject({ status, body: { status } });
  });
});

it("default: GET /health says who it is and where it looks; there is nothing else", async () => {
  const health = await app.inject("/health");
  expect(health.json()).toEqual({ status: "ok", notary: address, ...about });
  expect((await app.inject("/v1/decisions")).statusCode).toBe(404);
});
