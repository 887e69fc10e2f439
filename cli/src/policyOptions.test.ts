import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { POLICIES, PolicyParameterError, policyOf, UnknownPolicyParameterError } from "@ballast/agent";
import { describe, expect, it } from "vitest";
import { newFolder } from "../test/child.ts";
import { PolicySetError, readPolicySet, showPolicies, toPolicy } from "./policyOptions.ts";
import type { Terminal } from "./terminal.ts";

const shown = (options: { readonly json?: boolean }): string[] => {
  const lines: string[] = [];
  showPolicies(options, { result: (text: string) => lines.push(text) } as unknown as Terminal);
  return lines;
};

describe("toPolicy", () => {
  it("default: the fallback with its defaults, the named one with what is set", () => {
    expect(toPolicy({}, "predictive").id).toBe(policyOf({ name: "predictive" }).id);
    const { name, parameters } = toPolicy(
      { policy: "threshold", policySet: "width = relative , size=0.25" },
      "predictive",
    );
    expect(name).toBe("threshold");
    expect(parameters).toEqual({ width: "relative", size: 0.25, keep: 0 });
  });
  it("default: a JSON file says the same", () => {
    const file = join(newFolder(), "policy.json");
    writeFileSync(file, '{"everyHours": 24}');
    expect(toPolicy({ policy: "calendar", policySet: file }, "threshold").parameters).toEqual({
      everyHours: 24,
    });
  });
  it("error: a parameter that the policy has not, or not so", () => {
    const set = (policySet: string) => () => toPolicy({ policy: "calendar", policySet }, "threshold");
    expect(set("size=1")).toThrow(UnknownPolicyParameterError);
    expect(set("everyHours=weekly")).toThrow(PolicyParameterError);
    expect(set("everyHours=weekly")).toThrow(
      /everyHours of policy calendar is "weekly"; give a whole number/,
    );
  });
  it.each([
    ["size=", /"size=" sets nothing; write key=value/],
    ["size=1,keep", /"keep" sets nothing/],
    ["=1", /"=1" sets nothing/],
    ["size=1,size=2", /names size twice/],
    ["lost.json", /lost\.json cannot be read \(ENOENT\); write key=value,key=value, or give a JSON file/],
  ])("error: --policy-set %s", (text, message) => {
    expect(() => readPolicySet(text)).toThrow(PolicySetError);
    expect(() => readPolicySet(text)).toThrow(message);
  });
  it("error: files that are no JSON object", () => {
    const file = join(newFolder(), "policy.json");
    for (const [text, message] of [
      ["{", /it is no JSON/],
      ["[1]", /is no JSON object/],
      ["null", /is no JSON object/],
    ] as const) {
      writeFileSync(file, text);
      expect(() => readPolicySet(file)).toThrow(message);
    }
  });
});

describe("showPolicies", () => {
  it("default: each policy and each parameter on a line of its own", () => {
    const text = shown({}).join("\n");
    for (const [name, { parameters }] of POLICIES) {
      expect(text).toMatch(new RegExp(`^${name}: .* \\(.*\\)$`, "m"));
      for (const key of Object.keys(parameters.properties))
        expect(text).toMatch(new RegExp(`^ {4}${key}=\\S+ {2}a |band`, "m"));
    }
    expect(text).not.toMatch(/undefined|NaN/);
  });
  it("default: as JSON, whose schemas hold the defaults", () => {
    const [line, ...more] = shown({ json: true });
    expect(more).toEqual([]);
    const read = JSON.parse(line!) as {
      name: string;
      parameters: { properties: Record<string, { default: unknown }> };
    }[];
    for (const { name, parameters } of read) {
      const defaults = Object.fromEntries(
        Object.entries(parameters.properties).map(([key, of]) => [key, of.default]),
      );
      expect(policyOf({ name, parameters: defaults }).id).toBe(policyOf({ name }).id);
    }
  });
});
