import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Decided, evidenceOf, openJournal } from "@ballast/agent";
import {
  DECISION_SCHEMA_UID,
  type Decision,
  decisionHash,
  signDecision,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { JsonRpcProvider, Wallet } from "ethers";
import { afterAll, expect, it } from "vitest";
import { verifyRun } from "./verifyRun.ts";

const [attester, stranger] = [new Wallet(`0x${"7".repeat(64)}`), new Wallet(`0x${"8".repeat(64)}`)];
const vault: Hex = `0x${"a".repeat(40)}`;
const domain = {
  chainId: 31337n,
  easAddress: `0x${"e".repeat(40)}` as Hex,
  easVersion: "1.4.0",
  schemaUid: DECISION_SCHEMA_UID,
};
const START = 1_620_000_000;

function toHold(hour: number): Decided {
  const decidedAt = BigInt(START + hour * 3_600);
  const decision: Decision = {
    chainId: 31337n,
    vault,
    sequence: 1n,
    action: 0,
    reason: 0,
    decidedAt,
    expiresAt: decidedAt + 1_800n,
    inputRoot: ZERO_BYTES32,
    stateHash: ZERO_BYTES32,
    modelId: ZERO_BYTES32,
    forecastHash: ZERO_BYTES32,
    policyId: ZERO_BYTES32,
    breachPpm: 0,
    holding: 0,
    tradesHash: tradesHash([]),
  };
  const facts = {
    reason: "inside-band",
    numbers: {},
    breachProbability: 0,
    weights: [1],
    isBreached: false,
  } as const;
  return { decision, trades: [], hash: decisionHash(decision), ...facts };
}

const folder = mkdtempSync(join(tmpdir(), "ballast-verify-"));
const journal = openJournal(join(folder, "journal.sqlite"));
const context = { policy: "threshold", forecast: undefined };
// Off-chain attestations are read without a node: nobody listens here.
const provider = new JsonRpcProvider("http://127.0.0.1:9", 31337, { staticNetwork: true });
afterAll(() => {
  journal.close();
  provider.destroy();
  rmSync(folder, { recursive: true });
});

async function record(run: string, hour: number, signer: Wallet, signed = toHold(hour)): Promise<Decided> {
  const decided = toHold(hour);
  const { json, uid } = await signDecision({ ...domain, decision: signed.decision, signer });
  journal.recordSigned(run, decided, context, { offchainAttestation: json, offchainUid: uid });
  return decided;
}

const verify = (run: string, reported: number[] = []) =>
  verifyRun({
    run,
    journal,
    provider,
    vault,
    domain,
    attester: attester.address as Hex,
    onProgress: ({ done }) => void reported.push(done),
  });

it("default: every attestation of the run is counted and passes; other runs are not looked at", async () => {
  for (let hour = 0; hour < 3; hour++) await record("sound", hour, attester);
  await record("elsewhere", 9, stranger);
  const reported: number[] = [];
  expect(await verify("sound", reported)).toEqual({
    attestations: 3,
    verified: 3,
    decidedAgain: 0,
    failures: [],
  });
  expect(reported).toEqual([1, 2, 3]);
});

it("error: signed by another key, or of another decision: named, with the check that failed", async () => {
  await record("forged", 0, attester);
  const foreign = await record("forged", 1, stranger);
  const swapped = await record("forged", 2, attester, toHold(3));
  const { attestations, verified, failures } = await verify("forged");
  expect([attestations, verified]).toEqual([3, 1]);
  expect(failures).toEqual([
    expect.stringContaining(`attestation of ${foreign.hash}: attester: `),
    expect.stringContaining(`attestation of ${swapped.hash}: decision-hash: `),
  ]);
});

it("behaviour: what is not signed yet is no evidence and is not counted", async () => {
  const decided = toHold(0);
  journal.record("unsigned", decided, context);
  expect(evidenceOf(journal, journal.get(decided.hash, "unsigned")!)).toBeUndefined();
  expect(await verify("unsigned")).toEqual({ attestations: 0, verified: 0, decidedAgain: 0, failures: [] });
});
