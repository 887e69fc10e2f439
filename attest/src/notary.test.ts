import {
  type BarColumns,
  type Hex,
  HOUR_MS,
  keccak,
  type Snapshot,
  snapshotBytes,
  snapshotFromBytes,
  unixMillis,
} from "@ballast/data";
import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { collectSignatures, createNotary, type Notary } from "./notarise.ts";
import { type FeatureTable, judgeProposal } from "./notary.ts";
import { type Proposal, readProposal, statementOf, toProposalFile } from "./proposal.ts";
import { recoverNotary } from "./statement.ts";

const T0 = unixMillis(Date.UTC(2022, 0, 1));
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const columns = (closes: readonly number[]): BarColumns => {
  const of = (factor: number) => Float64Array.from(closes, (close) => close * factor);
  return { open: of(1), high: of(1.01), low: of(0.99), close: of(1), volume: of(0) };
};
/** A snapshot as the bytes of another process would give it, its root included. */
const snapshotOf = (closes: Readonly<Record<string, number[]>>, fees: number[] = [20], at = T0): Snapshot => {
  const bars = Object.values(closes).map(columns);
  const exogenous = [
    {
      name: "base_fee_gwei",
      publishedAt: Float64Array.from(fees, (_, i) => at - (fees.length - i) * HOUR_MS),
      value: Float64Array.from(fees),
    },
  ];
  const content = { at, intervalMs: HOUR_MS, assets: Object.keys(closes), bars, exogenous };
  return snapshotFromBytes(snapshotBytes(content));
};
/** Two features of each asset, of the closes alone: enough to be judged by. */
const featuresOf = ({ assets, bars }: Snapshot): FeatureTable => {
  const rows = bars.map(({ close }, i) => ({
    asset: assets[i]!,
    values: Int16Array.of(
      Math.round(1024 * Math.log2(close.at(-1)! / close[0]!)),
      Math.round(1024 * Math.log2(Math.max(...close) / Math.min(...close))),
    ),
  }));
  const root = keccak(new TextEncoder().encode(rows.map(({ values }) => values.join()).join(";")));
  return { root, names: ["trend", "range"], rows };
};
const proposalOf = (snapshot: Snapshot): Proposal => ({
  inputRoot: snapshot.root,
  featuresRoot: featuresOf(snapshot).root,
  snapshot,
});
const binance = snapshotOf({ BTC: [100, 101, 102], ETH: [10, 10.2, 10.1] });
const tolerance = { feature: 30, priceBps: 50 };
const judge = (proposal: Proposal, ours: Snapshot, limits = tolerance) =>
  judgeProposal(proposal, ours, featuresOf, limits);

describe("judgeProposal", () => {
  it("default: the same data are the same bits", () => {
    const ours = snapshotOf({ BTC: [100, 101, 102], ETH: [10, 10.2, 10.1] });
    expect(judge(proposalOf(binance), ours, { feature: 0, priceBps: 0 })).toEqual({ kind: "equal" });
  });

  it("behaviour: another exchange, within both tolerances, with the largest differences", () => {
    const kraken = snapshotOf({ BTC: [100, 101, 102.3], ETH: [10, 10.2, 10.1] });
    const found = judge(proposalOf(binance), kraken);
    // 102 against 102.3: 29.3 bp, and the trend 1024·log2(1.023) = 33.6 against 29.3, rounded.
    expect(found).toMatchObject({ kind: "within", feature: 5, notSame: [] });
    expect((found as { priceBps: number }).priceBps).toBeCloseTo((1 - 102 / 102.3) * 1e4, 9);
  });

  it("behaviour: base fees that differ are named and hinder nothing", () => {
    const ours = snapshotOf({ BTC: [100, 101, 102], ETH: [10, 10.2, 10.1] }, [21]);
    expect(judge(proposalOf(binance), ours)).toEqual({
      kind: "within",
      feature: 0,
      priceBps: 0,
      notSame: ["base_fee_gwei"],
    });
  });

  it("error: a price too far apart: which asset, when, whose value, by how much", () => {
    const ours = snapshotOf({ BTC: [100, 101, 102], ETH: [10, 10.1, 10.1] });
    expect(judge(proposalOf(binance), ours)).toMatchObject({
      kind: "refused",
      what: "price",
      asset: "ETH",
      name: "2021-12-31T23:00:00Z",
      theirs: "10.2",
      ours: "10.1",
      detail: expect.stringMatching(
        /^the close of ETH at .* is 10\.2 there and 10\.1 here: 99\.0 bp apart, and at most 50/,
      ),
    });
  });

  it("error: a feature too far apart, though no price is", () => {
    const ours = snapshotOf({ BTC: [100, 101, 102.3], ETH: [10, 10.2, 10.1] });
    expect(judge(proposalOf(binance), ours, { ...tolerance, feature: 3 })).toMatchObject({
      kind: "refused",
      what: "feature",
      asset: "BTC",
      name: "trend",
      theirs: "29",
      ours: "34",
      detail: expect.stringMatching(/^trend of BTC is 29 there and 34 here: 5 apart, and at most 3/),
    });
  });

  it("behaviour: below where a feature means something, both count as just that, by the notary's own measure", () => {
    const ours = snapshotOf({ BTC: [100, 101, 102.3], ETH: [10, 10.2, 10.1] });
    const strict = { ...tolerance, feature: 3 };
    const judgeWith = (least: number[]) => {
      const table = (of: Snapshot): FeatureTable => {
        const found = featuresOf(of);
        return of === ours ? { ...found, rows: found.rows.map((row) => ({ ...row, least })) } : found;
      };
      return judgeProposal(proposalOf(binance), ours, table, strict);
    };
    expect(judgeWith([-100, -100]).kind).toBe("refused");
    // The trends are 29 and 34 of BTC, its ranges the same two; at least 31 each, they are 3 apart.
    expect(judgeWith([31, 31])).toMatchObject({ kind: "within", feature: 3 });
    expect(judgeWith([30, 30])).toMatchObject({ kind: "refused", theirs: "30", ours: "34" });
  });

  it("error: a price that is no number on the notary's side is never within", () => {
    const ours = {
      ...binance,
      root: word("9"),
      bars: binance.bars.map((bars) => ({ ...bars, close: bars.close.map(() => Number.NaN) })),
    };
    expect(judge(proposalOf(binance), ours).kind).toBe("refused");
  });

  it("error: roots that are not those of the bytes, even where the notary has the same bytes", () => {
    const sound = proposalOf(binance);
    expect(judge({ ...sound, inputRoot: word("9") }, binance)).toMatchObject({
      what: "root",
      theirs: word("9"),
    });
    expect(judge({ ...sound, featuresRoot: word("9") }, binance)).toMatchObject({ what: "features-root" });
  });

  it.each<[string, Snapshot]>([
    ["assets", snapshotOf({ BTC: [100, 101, 102], SOL: [10, 10.2, 10.1] })],
    ["number of bars", snapshotOf({ BTC: [100, 101], ETH: [10, 10.2] })],
    ["time", snapshotOf({ BTC: [100, 101, 102], ETH: [10, 10.2, 10.1] }, [20], unixMillis(T0 - HOUR_MS))],
  ])("error: the notary's own market has another %s", (_, ours) => {
    expect(judge(proposalOf(binance), ours)).toMatchObject({ kind: "refused", what: "shape" });
  });
});

describe("readProposal", () => {
  const file = () => JSON.parse(JSON.stringify(toProposalFile(proposalOf(binance))));

  it("behaviour: reads back what was written", () => {
    const found = readProposal(JSON.stringify(file()));
    expect(found.snapshot.root).toBe(binance.root);
    expect(statementOf(found)).toEqual(statementOf(proposalOf(binance)));
    expect(readProposal(file())).toMatchObject({ inputRoot: binance.root });
  });

  it.each<[string, object, RegExp]>([
    ["an unknown format", { format: "x" }, /^format is/],
    ["a time beside the bytes that is another", { at: T0 - 1 }, /^at is/],
    ["other assets beside the bytes", { assets: ["BTC"] }, /^assets is/],
    ["bytes that are no base64", { snapshot: "%%" }, /^snapshot is/],
    ["bytes that are no snapshot", { snapshot: "AAAA" }, /^Not a snapshot/],
    ["an unknown key", { note: 1 }, /^note is/],
  ])("error: %s", (_, change, message) => {
    expect(() => readProposal({ ...file(), ...change })).toThrow(message);
  });
});

describe("collectSignatures", () => {
  const keys = ["a", "b", "c"].map((digit) => new Wallet(word(digit)));
  const clock = () => unixMillis(T0 + 1_000);
  const notaryOf = (key: Wallet, observe: (proposed: Snapshot) => Promise<Snapshot>) =>
    createNotary({ signer: key, observe, featuresOf, tolerance, clock });

  it("default: two that agree sign, one on other data says why not", async () => {
    const notaries = [
      await notaryOf(keys[0]!, async () => binance),
      await notaryOf(keys[1]!, async () => snapshotOf({ BTC: [100, 101, 102.3], ETH: [10, 10.2, 10.1] })),
      await notaryOf(keys[2]!, async () => snapshotOf({ BTC: [100, 101, 110], ETH: [10, 10.2, 10.1] })),
    ];
    const proposal = proposalOf(binance);
    const { signatures, refusals } = await collectSignatures(notaries, proposal, { timeoutMs: 1_000 });
    expect(signatures.map((signature) => recoverNotary(statementOf(proposal), signature))).toEqual(
      keys.slice(0, 2).map(({ address }) => address.toLowerCase()),
    );
    expect(refusals).toEqual([
      expect.stringMatching(/does not sign: the close of BTC at .* is 102 there and 110 here/),
    ]);
  });

  it("error: one that never answers is not waited for; one whose source fails says so; the future is not signed", async () => {
    const silent: Notary = {
      name: "silent.example",
      notarise: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    };
    const failing = await notaryOf(keys[0]!, async () => snapshotFromBytes(new Uint8Array([9])));
    const early = await createNotary({
      signer: keys[1]!,
      observe: async () => binance,
      featuresOf,
      tolerance,
      clock: () => unixMillis(T0 - 1),
    });
    const started = performance.now();
    const found = await collectSignatures([silent, failing, early], proposalOf(binance), { timeoutMs: 100 });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(found.signatures).toEqual([]);
    expect(found.refusals).toEqual([
      "notary silent.example did not answer within 0.1 s",
      expect.stringMatching(/cannot look the market up itself: Not a snapshot/),
      expect.stringMatching(/^the proposal is of 2022-01-01/),
    ]);
  });

  it("behaviour: a defect is thrown, not taken for a refusal", async () => {
    const broken = await notaryOf(keys[0]!, async () => {
      throw new TypeError("a defect");
    });
    await expect(collectSignatures([broken], proposalOf(binance), { timeoutMs: 1_000 })).rejects.toThrow(
      "a defect",
    );
  });

  it("behaviour: the source is asked for one market at a time", async () => {
    let under = 0;
    let most = 0;
    const notary = await notaryOf(keys[0]!, async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 5));
      under--;
      return binance;
    });
    await collectSignatures([notary, notary, notary], proposalOf(binance), { timeoutMs: 1_000 });
    expect(most).toBe(1);
  });
});
