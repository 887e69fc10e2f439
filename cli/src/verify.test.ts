import { type Decision, type Evidence, signDecision, tradesHash, ZERO_BYTES32 } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { Wallet } from "ethers";
import { expect, it } from "vitest";
import { toConclusion } from "./verify.ts";

const signer = new Wallet(`0x${"7".repeat(64)}`);
const key = signer.address.toLowerCase();
const vault: Hex = `0x${"a".repeat(40)}`;
const decision: Decision = {
  chainId: 31337n,
  vault,
  sequence: 1n,
  action: 0,
  reason: 0,
  decidedAt: 1_620_000_000n,
  expiresAt: 1_620_001_800n,
  inputRoot: ZERO_BYTES32,
  stateHash: ZERO_BYTES32,
  modelId: ZERO_BYTES32,
  forecastHash: ZERO_BYTES32,
  policyId: ZERO_BYTES32,
  breachPpm: 0,
  holding: 0,
  tradesHash: tradesHash([]),
};
const domain = { chainId: 31337n, easAddress: vault, easVersion: "1.4.0", schemaUid: ZERO_BYTES32 };
const { json: offchain } = await signDecision({ ...domain, decision, signer });
const evidence: Evidence = { decision, trades: [], offchain };
const passed = [{ name: "uid", passed: true, detail: "the UID is 0x12" }] as const;

it("default: with a node and the user's own vault, every check passed", () => {
  expect(toConclusion(evidence, passed, [], { rpc: "http://node", vault })).toBe(
    `Every check passed: signed by ${key}, for vault ${vault}.`,
  );
});

it("behaviour: a vault that only the evidence names is said to be just that", () => {
  expect(toConclusion(evidence, passed, [], { rpc: "http://node" })).toMatch(/give --vault with yours/);
});

it("behaviour: without a node nothing is claimed but wholeness and who signed", () => {
  const conclusion = toConclusion(evidence, passed, [], {});
  expect(conclusion).toContain(`whole and signed by ${key}.`);
  expect(conclusion).toContain("Whether the vault lets that key sign");
  expect(conclusion).toContain("give --rpc");
  expect(conclusion).not.toMatch(/every check|valid|allowed/i);
  expect(toConclusion(evidence, passed, [], { attester: [key] })).toContain(`${key}, a key you named.`);
});

it("error: the first failed check is named", () => {
  const failed = { name: "window", passed: false, detail: "expired" } as const;
  expect(toConclusion(evidence, [...passed, failed], [], {})).toBe("Not valid: window: expired");
});

it("error: a broken link is named, where every check of the attestation passed", () => {
  const links = [
    { name: "data", status: "not checked", detail: "give --bars" },
    { name: "policy", status: "fail", detail: "deciding again gives another tradesHash" },
  ] as const;
  expect(toConclusion(evidence, passed, links, { rpc: "http://node", vault })).toBe(
    "Not valid: policy: deciding again gives another tradesHash",
  );
});

it("behaviour: what was not checked is said", () => {
  const links = [
    { name: "data", status: "not checked", detail: "give --bars" },
    { name: "state", status: "pass", detail: "the hash" },
  ] as const;
  expect(toConclusion(evidence, passed, links, { rpc: "http://node", vault })).toMatch(
    /\. Not checked: data\.$/,
  );
});

it("behaviour: a decision that is attested on chain alone has no signer to name", () => {
  const onchain = { decision, trades: [], uid: ZERO_BYTES32 };
  expect(toConclusion(onchain, passed, [], { rpc: "http://node", vault })).toBe(
    `Every check passed: attested on chain, for vault ${vault}.`,
  );
});
