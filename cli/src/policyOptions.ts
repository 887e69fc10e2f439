import { readFileSync } from "node:fs";
import { POLICIES, type Policy, policyOf } from "@ballast/agent";
import { BallastError } from "@ballast/data";
import type { Terminal } from "./terminal.ts";

export interface PolicyOptions {
  readonly policy?: string;
  readonly policySet?: string;
}

export class PolicySetError extends BallastError {
  readonly code = "POLICY_SET";
}

/**
 * The policy that the options ask for, or `fallback` where they name none. Errors: PolicySetError, and those of
 * `policyOf`.
 */
export function toPolicy({ policy, policySet }: PolicyOptions, fallback: string): Policy {
  const parameters = policySet === undefined ? {} : readPolicySet(policySet);
  return policyOf({ name: policy ?? fallback, parameters });
}

/** `size=0.5,keep=0.3`, or a file with the same as JSON. Error: PolicySetError. */
export function readPolicySet(text: string): Record<string, unknown> {
  if (!text.includes("=")) return readFile(text);
  const entries = text.split(",").map((part) => {
    const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    if (key === undefined || value === "")
      throw new PolicySetError(
        `--policy-set: "${part}" sets nothing; write key=value,key=value, as size=0.5,keep=0.3.`,
      );
    return [key, Number.isNaN(Number(value)) ? value : Number(value)] as const;
  });
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) < i);
  if (twice !== undefined)
    throw new PolicySetError(`--policy-set names ${twice[0]} twice; keep one of them.`);
  return Object.fromEntries(entries);
}

function readFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "it is no JSON";
    throw new PolicySetError(
      `--policy-set ${path} cannot be read (${why}); write key=value,key=value, or give a JSON file as {"size": 0.5}.`,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PolicySetError(`--policy-set ${path} is no JSON object; write it as {"size": 0.5}.`);
  return value as Record<string, unknown>;
}

/** What there is to choose from, with ranges and defaults. */
export function showPolicies({ json }: { readonly json?: boolean }, terminal: Terminal): void {
  const definitions = [...POLICIES.values()];
  if (json) {
    terminal.result(JSON.stringify(definitions.map(({ build: _, ...definition }) => definition)));
    return;
  }
  const lines = definitions.flatMap(({ name, summary, source, forecast, parameters }) => [
    `${name}: ${summary}${forecast === "optional" ? "; uses a forecast" : ""} (${source})`,
    ...Object.entries(parameters.properties).map(([key, of]) => {
      const { description, default: initial } = of as { description: string; default: unknown };
      return `    ${key}=${initial}  ${description}`;
    }),
  ]);
  terminal.result(lines.join("\n"));
}
