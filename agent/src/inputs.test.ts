import { type Hex, keccak, type Snapshot } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { stateWith, T0, toWad } from "../test/fixture.ts";
import { DECIDE_DEFAULTS, decide } from "./decide.ts";
import { type DecisionInputs, decideAgain, MalformedInputsError, readInputs, toInputs } from "./inputs.ts";
import { PREDICTIVE_DEFAULTS, predictivePolicy } from "./policies/predictive.ts";
import { thresholdPolicy } from "./policies/registry.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const model = { id: word("3"), attestationUid: word("4"), isActive: true, maxTurnover: toWad(0.5) };
const state = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }, { model });
const root = keccak(new Uint8Array([1]));
const snapshot: Snapshot = {
  at: T0,
  intervalMs: 3_600_000,
  assets: ["BTC", "ETH"],
  bars: [],
  exogenous: [],
  root,
};
const policy = predictivePolicy({ ...PREDICTIVE_DEFAULTS, returnTo: 0.3 });
const inputs: DecisionInputs = {
  state,
  policy,
  options: { ...DECIDE_DEFAULTS, minTradeShare: 0.002 },
  now: T0,
  hasScorer: false,
  isNotarised: false,
};

describe("decideAgain", () => {
  it("default: from the text alone, the same hash and trades", () => {
    const decided = decide(snapshot, state, undefined, policy, T0, undefined, inputs.options);
    const again = decideAgain(readInputs(toInputs(inputs)), snapshot, undefined, undefined);
    expect(again).toEqual(decided);
  });

  it.each<[string, Partial<DecisionInputs>]>([
    ["another balance", { state: { ...state, sequence: 5n } }],
    ["another policy", { policy: thresholdPolicy() }],
    ["another parameter", { policy: predictivePolicy() }],
    ["another lifetime", { options: { ...inputs.options, lifetimeSeconds: 60 } }],
  ])("error: %s gives another hash", (_, change) => {
    const hash = (of: DecisionInputs) => decideAgain(of, snapshot, undefined, undefined).hash;
    expect(hash({ ...inputs, ...change })).not.toBe(hash(inputs));
  });

  it.each([
    ["no JSON", "{"],
    ["another format", '{"format":"x"}'],
    ["null", "null"],
    ["no state", JSON.stringify({ format: "ballast-inputs/1" })],
    ["no parameters", toInputs({ ...inputs, policy: { name: "threshold" } } as never)],
  ])("error: %s", (_, text) => {
    expect(() => readInputs(text)).toThrow(MalformedInputsError);
  });

  it("error: a policy nobody knows, and one that lacks a parameter is another policy than the decision's", () => {
    const again = (changed: DecisionInputs["policy"]) =>
      decideAgain({ ...inputs, policy: changed }, snapshot, undefined, undefined);
    expect(() => again({ name: "oracle", parameters: {} })).toThrow(
      /policy oracle is none of constant-mix, /,
    );
    expect(again(policy).decision.policyId).toBe(policy.id);
    expect(again({ name: "predictive", parameters: { actAt: 0.3 } }).decision.policyId).not.toBe(policy.id);
  });
});
