import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createKeystore, features, httpNotary } from "@ballast/agent";
import {
  collectSignatures,
  type Proposal,
  packSignatures,
  recoverNotaries,
  recoverNotary,
  statementOf,
  toProposalFile,
} from "@ballast/attest";
import {
  type BarColumns,
  type Hex,
  HOUR_MS,
  type RawSeries,
  syntheticSource,
  toMarket,
  unixMillis,
} from "@ballast/data";
import { Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { expectRefused, newFolder, type Running, run, start, writeBars } from "./child.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PASSWORD = "correct horse battery staple";
const HOURS = 760;
const START = Date.UTC(2023, 0, 1);
const AT = unixMillis(START + HOURS * HOUR_MS);
const env = { BALLAST_PASSWORD: PASSWORD };
const home = newFolder();
const keys = ["a", "b", "c"].map((digit) => new Wallet(`0x${digit.repeat(64)}`));

/** The same market as another exchange would have recorded it: every price a little off, and differently each hour. */
const elsewhere = (series: readonly RawSeries[], bp: number): RawSeries[] =>
  series.map((one, asset) => {
    const shift = (column: Float64Array) =>
      column.map((price, k) => price * (1 + (bp / 1e4) * Math.sin(k * (asset + 2) * 0.7)));
    const { open, high, low, close, volume } = one.bars;
    const bars: BarColumns = {
      open: shift(open),
      high: shift(high),
      low: shift(low),
      close: shift(close),
      volume,
    };
    return { ...one, bars };
  });

let proposal: Proposal;
const notaries: Running[] = [];
const urls: string[] = [];
const serve = async (name: string, bars: string, ...args: string[]) => {
  const child = start(
    home,
    ["notary", "--keystore", `${name}.json`, "--bars", bars, "--port", "0", ...args],
    env,
  );
  notaries.push(child);
  return (await child.until("stderr", /Notary 0x\S+ at (http:\S+),/))[1]!;
};
beforeAll(async () => {
  const source = syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  const raw = await source.load({});
  // Two exchanges, and one that is wrong.
  const folders = ["own", "near", "far"].map((name) => join(home, name));
  for (const [i, bp] of [0, 2, 300].entries()) writeBars(folders[i]!, elsewhere(raw.series, bp));
  for (const [i, key] of keys.entries())
    await createKeystore(join(home, `notary-${i}.json`), key.privateKey as Hex, PASSWORD, 1_024);
  const { market } = toMarket({ ...raw, exogenous: [] }, { now: AT });
  const snapshot = market.past(AT).snapshot(721);
  proposal = { inputRoot: snapshot.root, featuresRoot: features.table(snapshot).root, snapshot };
  urls.push(...(await Promise.all(folders.map((folder, i) => serve(`notary-${i}`, folder)))));
});
afterAll(async () => {
  for (const { child } of notaries) child.kill("SIGINT");
  await Promise.all(notaries.map(({ ended }) => ended));
});

describe("notaries as processes", () => {
  it("default: one on the same bars and one on another exchange's sign, and the vault's form holds both", async () => {
    const asked = urls.slice(0, 2).map(httpNotary);
    const { signatures, refusals } = await collectSignatures(asked, proposal, { timeoutMs: 60_000 });
    expect(refusals).toEqual([]);
    const addresses = keys.map(({ address }) => address.toLowerCase() as Hex);
    const packed = packSignatures(statementOf(proposal), signatures, addresses, 2);
    expect(recoverNotaries(statementOf(proposal), packed)).toEqual(addresses.slice(0, 2).sort());
    const [own, near] = await Promise.all(
      asked.map((notary) => notary.notarise(proposal, AbortSignal.timeout(60_000))),
    );
    expect(own!.judgement).toEqual({ kind: "equal" });
    expect(near!.judgement).toMatchObject({ kind: "within", notSame: [] });
    const { priceBps, feature } = near!.judgement as { priceBps: number; feature: number };
    // 2 bp on either side, and no feature is blind to it.
    expect(priceBps).toBeGreaterThan(1);
    expect(priceBps).toBeLessThan(2.1);
    expect(feature).toBeGreaterThan(0);
    expect(feature).toBeLessThanOrEqual(512);
  });

  it("error: one whose data say something else refuses: which value, whose, and by how much", async () => {
    const { signatures, refusals } = await collectSignatures([httpNotary(urls[2]!)], proposal, {
      timeoutMs: 60_000,
    });
    expect(signatures).toEqual([]);
    expect(refusals).toEqual([
      expect.stringMatching(
        /refuses: notary 0x\S+ does not sign: the close of (BTC|ETH) at 2023-\S+ is [\d.]+ there and [\d.]+ here: \d+\.\d bp apart, and at most 100 are tolerated/,
      ),
    ]);
  });

  it("error: forged roots, bars it does not have, and rubbish", async () => {
    const notary = httpNotary(urls[0]!);
    const refused = (changed: Proposal) => collectSignatures([notary], changed, { timeoutMs: 60_000 });
    const forged = await refused({ ...proposal, featuresRoot: `0x${"12".repeat(32)}` });
    expect(forged.refusals[0]).toMatch(/the snapshot's features have root/);
    const { market } = toMarket(
      await syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets: ["BTC", "SOL"] }).load(
        {},
      ),
      { now: AT },
    );
    const snapshot = market.past(AT).snapshot(721);
    const unknown = await refused({
      inputRoot: snapshot.root,
      featuresRoot: features.table(snapshot).root,
      snapshot,
    });
    expect(unknown.refusals[0]).toMatch(/cannot look the market up itself: .*SOL/);
    const post = (body: string) =>
      fetch(`${urls[0]}/v1/statements`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    for (const [body, status] of [
      ["{", 400],
      ["{}", 400],
      [JSON.stringify({ ...toProposalFile(proposal), note: 1 }), 400],
      [JSON.stringify({ ...toProposalFile(proposal), snapshot: "AAAA" }), 400],
    ] as const) {
      const answer = await post(body);
      expect([answer.status, (await answer.json()) as object]).toMatchObject([status, { status }]);
    }
    // Refused by what it announces, before it is read.
    const huge = request(`${urls[0]}/v1/statements`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": 17 * 1024 * 1024 },
    });
    huge.on("error", () => {});
    huge.flushHeaders();
    const [answer] = await once(huge, "response");
    expect(answer.statusCode).toBe(413);
    huge.destroy();
    expect((await fetch(`${urls[0]}/v1/decisions`)).status).toBe(404);
  });

  it("behaviour: it says who it is and where it looks", async () => {
    expect(await (await fetch(`${urls[1]}/health`)).json()).toEqual({
      status: "ok",
      notary: keys[1]!.address,
      source: `files in ${join(home, "near")}`,
      featureTolerance: 512,
      priceToleranceBps: 100,
    });
  });

  it("error: a notary that is not there, and one that signs something else, count for nothing", async () => {
    const answers = [
      { signature: await keys[0]!.signMessage("something else"), judgement: {} },
      { signature: "0x12" },
      "no JSON at all",
      { padding: "x".repeat(100_000) },
    ];
    const liar = createServer((_request, response) => {
      const answer = answers.shift();
      response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
    await once(liar.listen(0, "127.0.0.1"), "listening");
    const { port } = liar.address() as AddressInfo;
    const ask = () =>
      collectSignatures([httpNotary(`http://127.0.0.1:${port}`)], proposal, { timeoutMs: 5_000 });
    const first = await ask();
    // Some key can always have made a signature, but not one that the vault knows.
    expect(
      first.signatures.map((signature) => recoverNotary(statementOf(proposal), signature)),
    ).not.toContain(keys[0]!.address.toLowerCase());
    for (let i = 0; i < 3; i++)
      expect((await ask()).refusals).toEqual([
        expect.stringMatching(/answers with no signature of this proposal/),
      ]);
    liar.close();
    await once(liar, "close");
    expect((await ask()).refusals).toEqual([
      expect.stringMatching(/ does not answer \((ECONNREFUSED|UND_ERR_SOCKET)\)/),
    ]);
  });
});

describe("ballast notary <file>", () => {
  it("default: judges one proposal and prints its signature", async () => {
    const file = join(home, "proposal.json");
    writeFileSync(file, JSON.stringify(toProposalFile(proposal)));
    const { status, stdout } = await run(
      home,
      ["notary", file, "--keystore", "notary-0.json", "--bars", join(home, "own")],
      env,
    );
    expect(status).toBe(0);
    const { signature, judgement } = JSON.parse(stdout);
    expect(judgement).toEqual({ kind: "equal" });
    expect(recoverNotary(statementOf(proposal), signature)).toBe(keys[0]!.address.toLowerCase());
    const strict = await run(
      home,
      [
        "notary",
        file,
        "--keystore",
        "notary-1.json",
        "--bars",
        join(home, "near"),
        "--feature-tolerance",
        "0",
      ],
      env,
    );
    expectRefused(
      strict,
      /^NOTARY_REFUSED: .* of (BTC|ETH|the market) is -?\d+ there and -?\d+ here: \d+ apart, and at most 0 \(of 1024\)/m,
    );
  });

  it.each<[string, string[], RegExp]>([
    ["no file", ["lost.json", "--keystore", "notary-0.json"], /^PROPOSAL_UNREADABLE: lost\.json .*ENOENT/m],
    ["no proposal", ["notary-0.json", "--keystore", "notary-0.json"], /^MALFORMED_JSON: /m],
    [
      "no bars",
      ["x.json", "--keystore", "notary-0.json", "--bars", "nowhere"],
      /^NO_BARS_FOLDER: .*nowhere/m,
    ],
  ])("error: %s", async (_, args, message) => {
    expectRefused(await run(home, ["notary", "--bars", join(home, "own"), ...args], env), message);
  });

  it("error: no keystore is misuse, no password is not", async () => {
    expectRefused(await run(home, ["notary"]), /required option '--keystore <file>'/, 2);
    expectRefused(await run(home, ["notary", "--keystore", "notary-0.json"], {}), /^PASSWORD_MISSING: /m);
  });
});
