import { canonicalJson, HOUR_MS, unixMillis } from "@ballast/data";
import fc from "fast-check";
import type { TObject } from "typebox";
import { describe, expect, it } from "vitest";
import { stateWith, toWad } from "../../test/fixture.ts";
import { DECIDE_DEFAULTS, decide } from "../decide.ts";
import { type DecisionInputs, decideAgain, readInputs, toInputs } from "../inputs.ts";
import type { Policy } from "../types.ts";
import {
  PolicyParameterError,
  toDescribed,
  UnknownPolicyError,
  UnknownPolicyParameterError,
} from "./parameters.ts";
import { cooled, DUE, forecastOf, foresight, snapshotAt, still } from "./policies.fixture.ts";
import { BadTargetsError, checkFit, POLICIES, policyOf, thresholdPolicy } from "./registry.ts";

const NAMES = [...POLICIES.keys()];

/** A value inside the range of one parameter. */
function valueIn(schema: TObject, key: string): fc.Arbitrary<unknown> {
  const of = schema.properties[key] as {
    readonly type?: string;
    readonly enum?: readonly string[];
    readonly minimum?: number;
    readonly maximum?: number;
    readonly exclusiveMinimum?: number;
    readonly exclusiveMaximum?: number;
  };
  if (of.enum !== undefined) return fc.constantFrom(...of.enum);
  const [min, max] = [of.minimum ?? of.exclusiveMinimum!, of.maximum ?? of.exclusiveMaximum!];
  if (of.type === "integer") return fc.integer({ min, max });
  return fc
    .double({ min, max, noNaN: true })
    .filter((x) => x !== of.exclusiveMinimum && x !== of.exclusiveMaximum);
}

/** Any policy with any parameters that it takes. */
const anyPolicy: fc.Arbitrary<Policy> = fc.constantFrom(...NAMES).chain((name) => {
  const schema = POLICIES.get(name)!.parameters;
  const values = Object.fromEntries(
    Object.keys(schema.properties).map((key) => [key, fc.option(valueIn(schema, key), { nil: undefined })]),
  );
  return fc.record(values).map((drawn) => {
    const parameters = Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined));
    // A trigger of this size would overlap zero.
    if ((parameters.width ?? "band") !== "band") parameters.size = 0.3;
    return policyOf({ name, parameters });
  });
});

describe("policyOf", () => {
  it("default: every policy of its name alone, with whole parameters and a horizon", () => {
    for (const name of NAMES) {
      const policy = policyOf({ name });
      expect(policy.name).toBe(name);
      const { properties } = POLICIES.get(name)!.parameters;
      expect(Object.keys(policy.parameters)).toEqual(Object.keys(properties));
      expect(policy.horizonHours).toBeGreaterThan(0);
    }
    expect(thresholdPolicy().id).toBe(policyOf({ name: "threshold", parameters: { size: 1 } }).id);
  });
  it("default: every parameter says its range, its default and what it is", () => {
    for (const { parameters } of POLICIES.values()) {
      for (const key of Object.keys(parameters.properties)) {
        const described = toDescribed(parameters, key);
        expect(described.description).toMatch(/^[^:]{6,}: .{8,}$/);
        expect(described.default).toBeDefined();
      }
    }
  });
  it("behaviour: parameters give the same policy again, through JSON, and another parameter another id", () => {
    const ids = new Map<string, string>();
    fc.assert(
      fc.property(anyPolicy, ({ name, parameters, id, horizonHours }) => {
        const text = JSON.stringify({ name, parameters });
        const again = policyOf(JSON.parse(text));
        expect(again.id).toBe(id);
        expect(again.parameters).toEqual(parameters);
        expect(again.horizonHours).toBe(horizonHours);
        const canonical = canonicalJson(JSON.parse(text));
        expect(ids.get(id) ?? canonical).toBe(canonical);
        ids.set(id, canonical);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
  it("behaviour: any policy, any parameters: its decision is made again from the inputs' text with the same hash", () => {
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 }),
        fc.boolean(),
        fc.option(fc.double({ min: 1, max: 500, noNaN: true }), { nil: undefined }),
        fc.integer({ min: 0, max: 400 }),
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        (policy, shares, hasForecast, gas, hours, gasPrice) => {
          const sum = shares.reduce((a, b) => a + b, 0) || 1;
          const weights = { USDC: shares[0]! / sum, BTC: shares[1]! / sum, ETH: shares[2]! / sum };
          const state = stateWith(weights, { ...cooled, gasPrice });
          const now = unixMillis(DUE + hours * HOUR_MS);
          const snapshot = snapshotAt(now, gas);
          const forecast = hasForecast ? forecastOf(now) : undefined;
          const decided = decide(snapshot, state, forecast, policy, now, foresight);
          const { name, parameters } = policy;
          const inputs: DecisionInputs = {
            state,
            policy: { name, parameters },
            options: DECIDE_DEFAULTS,
            now,
            hasScorer: true,
            isNotarised: true,
          };
          const again = decideAgain(readInputs(toInputs(inputs)), snapshot, forecast, foresight.scorer);
          expect(again).toEqual(decided);
          for (const value of Object.values(decided.numbers)) expect(Number.isFinite(value)).toBe(true);
        },
      ),
      { seed: 6, numRuns: 400 },
    );
  });
  it("error: an unknown name, an unknown parameter", () => {
    expect(() => policyOf({ name: "oracle" })).toThrow(UnknownPolicyError);
    expect(() => policyOf({ name: "oracle" })).toThrow(/oracle is none of constant-mix, threshold, /);
    expect(() => policyOf({ name: "constructor" })).toThrow(UnknownPolicyError);
    const misspelt = () => policyOf({ name: "threshold", parameters: { widht: 1 } });
    expect(misspelt).toThrow(UnknownPolicyParameterError);
    expect(misspelt).toThrow(/^widht is no parameter of policy threshold; it takes width, size, keep\.$/);
    expect(() => policyOf({ name: "constant-mix", parameters: { a: 1 } })).toThrow(/it takes none\.$/);
  });
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["threshold", { keep: 1.5 }, /^keep of policy threshold is 1\.5; give a number from 0 to 1/],
    ["threshold", { width: "wide" }, /^width of policy threshold is "wide"; give band, absolute or relative/],
    ["threshold", { size: Number.NaN }, /^size of policy threshold is NaN; give a number from 0 to 10/],
    ["threshold", { size: null }, /^size of policy threshold is null; /],
    ["threshold", { width: "absolute", size: 0.5 }, /overlaps a weight of zero .* give less than 0\.5/],
    ["calendar-threshold", { width: "relative", size: 1 }, /^size of policy calendar-threshold is 1; /],
    ["calendar", { everyHours: 1.5 }, /^everyHours of policy calendar is 1\.5; give a whole number from 1/],
    ["calendar", { everyHours: "24" }, /^everyHours of policy calendar is "24"; /],
    ["no-trade", { riskAversion: 0 }, /^riskAversion of policy no-trade is 0; give a number from 0\.01/],
    ["cppi", { multiplier: 1 }, /^multiplier of policy cppi is 1; give a number above 1/],
    ["cppi", { ratchet: 1 }, /^ratchet of policy cppi is 1; give a number from 0 to below 1/],
    ["predictive", { actAt: undefined }, /^actAt of policy predictive is undefined; /],
    [
      "predictive",
      { horizonHours: Number.POSITIVE_INFINITY },
      /^horizonHours of policy predictive is Infinity/,
    ],
  ])("error: %s with %j", (name, parameters, message) => {
    expect(() => policyOf({ name, parameters })).toThrow(PolicyParameterError);
    expect(() => policyOf({ name, parameters })).toThrow(message);
  });
  it("error: each parameter outside its range is refused by name", () => {
    for (const [name, { parameters }] of POLICIES) {
      for (const key of Object.keys(parameters.properties)) {
        for (const value of [-1e9, 1e300, {}, true, "x"])
          expect(() => policyOf({ name, parameters: { [key]: value } })).toThrow(
            `${key} of policy ${name} is`,
          );
      }
    }
  });
});

describe("checkFit", () => {
  const holdings = still.holdings;
  const threshold = (parameters: Record<string, unknown>) => policyOf({ name: "threshold", parameters });
  it("default: a vault in order, whatever the policy", () => {
    for (const name of NAMES) expect(() => checkFit(policyOf({ name }), holdings)).not.toThrow();
    expect(() => checkFit(threshold({ width: "absolute", size: 0.33 }), holdings)).not.toThrow();
  });
  it("error: targets that do not sum to one", () => {
    const [base, ...others] = holdings;
    const short = [{ ...base!, targetWeight: toWad(0.3) }, ...others];
    expect(() => checkFit(thresholdPolicy(), short)).toThrow(BadTargetsError);
    expect(() => checkFit(thresholdPolicy(), short)).toThrow(
      /USDC, BTC, ETH sum to 0\.96.*; make them sum to 1/,
    );
  });
  it("error: a band of the vault's, and a trigger of the policy's, that overlap zero", () => {
    const wide = holdings.map((holding) => ({ ...holding, band: toWad(0.34) }));
    expect(() => checkFit(thresholdPolicy(), wide)).toThrow(
      /band of USDC, ±0\.34 .* overlaps a weight of zero/,
    );
    const policy = threshold({ width: "absolute", size: 0.34 });
    expect(() => checkFit(policy, holdings)).toThrow(PolicyParameterError);
    expect(() => checkFit(policy, holdings)).toThrow(
      /size of policy threshold is 0\.34; the trigger of USDC/,
    );
    const band = threshold({ size: 10 });
    expect(() =>
      checkFit(
        band,
        wide.map((h) => ({ ...h, band: toWad(0.034) })),
      ),
    ).toThrow(PolicyParameterError);
  });
});
