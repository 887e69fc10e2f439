import { BallastError } from "@ballast/data";
import type { TObject } from "typebox";
import { Errors } from "typebox/value";

export class UnknownPolicyError extends BallastError {
  readonly code = "UNKNOWN_POLICY";
  readonly policy: string;
  constructor(policy: string, known: readonly string[]) {
    super(`policy ${policy} is none of ${known.join(", ")}; take one of these.`);
    this.policy = policy;
  }
}

export class UnknownPolicyParameterError extends BallastError {
  readonly code = "UNKNOWN_POLICY_PARAMETER";
  readonly policy: string;
  readonly parameter: string;
  constructor(policy: string, parameter: string, known: readonly string[]) {
    const takes = known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}`;
    super(`${parameter} is no parameter of policy ${policy}; ${takes}.`);
    this.policy = policy;
    this.parameter = parameter;
  }
}

export class PolicyParameterError extends BallastError {
  readonly code = "POLICY_PARAMETER";
  readonly policy: string;
  readonly parameter: string;
  readonly value: unknown;
  constructor(policy: string, parameter: string, value: unknown, remedy: string) {
    super(`${parameter} of policy ${policy} is ${toText(value)}; ${remedy}.`);
    this.policy = policy;
    this.parameter = parameter;
    this.value = value;
  }
}

/** NaN and infinities have no JSON of their own. */
const toText = (value: unknown): string =>
  typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));

/**
 * The parameters with defaults filled in, checked against their schema, whose descriptions say what is allowed.
 * Throws UnknownPolicyParameterError and PolicyParameterError.
 */
export function toParameters(
  policy: string,
  schema: TObject,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new UnknownPolicyParameterError(policy, unknown, known);
  const parameters = Object.fromEntries(
    known.map((key) => {
      const value = Object.hasOwn(given, key) ? given[key] : toDescribed(schema, key).default;
      // −0 does not survive JSON.
      return [key, value === 0 ? 0 : value];
    }),
  );
  const [error] = Errors(schema, parameters);
  if (error === undefined) return parameters;
  const key = error.instancePath.split("/")[1] ?? known.find((name) => parameters[name] === undefined) ?? "";
  throw new PolicyParameterError(
    policy,
    key,
    parameters[key],
    `give ${toDescribed(schema, key).description}`,
  );
}

/** What a schema of this room says of a parameter. */
export const toDescribed = (schema: TObject, key: string): Described => schema.properties[key] as Described;

interface Described {
  /** What is allowed and what it means: `a number from 0 to 1: …`. */
  readonly description: string;
  readonly default: unknown;
}
