import { BallastError, type Snapshot, type UnixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { type DecideOptions, decide } from "./decide.ts";
import { policyOf } from "./policies/registry.ts";
import { fromTaggedJson, toTaggedJson } from "./tagged-json.ts";
import type { Decided, VaultScorer, VaultState } from "./types.ts";

/** What a decision depends on beside the snapshot, the forecast and the network: enough to decide again. */
export interface DecisionInputs {
  readonly state: VaultState;
  readonly policy: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> };
  readonly options: DecideOptions;
  /** The decider's clock. */
  readonly now: UnixMillis;
  /** Whether it had a breach network to ask, and whether enough notaries stood behind the snapshot. */
  readonly hasScorer: boolean;
  readonly isNotarised: boolean;
}

const FORMAT = "ballast-inputs/1";

export class MalformedInputsError extends BallastError {
  readonly code = "MALFORMED_INPUTS";
  constructor(found: string) {
    super(`these are not the inputs of a decision: ${found}; take them from the evidence, unchanged`);
  }
}

/** As JSON text. */
export const toInputs = (inputs: DecisionInputs): string => toTaggedJson({ format: FORMAT, ...inputs });

/** Throws MalformedInputsError. Whether they are the decision's, `decideAgain` and the state's hash will say. */
export function readInputs(text: string): DecisionInputs {
  let value: { readonly format?: unknown } & DecisionInputs;
  try {
    value = fromTaggedJson(text) as typeof value;
  } catch {
    throw new MalformedInputsError("they are no JSON");
  }
  if (value?.format !== FORMAT)
    throw new MalformedInputsError(`their format is ${value?.format}, not ${FORMAT}`);
  const isWhole =
    Array.isArray(value.state?.holdings) &&
    typeof value.policy?.name === "string" &&
    typeof value.policy.parameters === "object" &&
    value.policy.parameters !== null &&
    typeof value.options?.lifetimeSeconds === "number" &&
    typeof value.now === "number";
  if (!isWhole) throw new MalformedInputsError("a part is missing");
  const { format: _, ...inputs } = value;
  return inputs;
}

/**
 * Decides once more, as a stranger: the same inputs give the same hash.
 * Throws as `policyOf` does, or FieldRangeError for a state that has no hash.
 * @param scorer Of the decision's network; not needed where the decision had none.
 */
export function decideAgain(
  inputs: DecisionInputs,
  snapshot: Snapshot,
  forecast: Forecast | undefined,
  scorer: VaultScorer | undefined,
): Decided {
  const { state, policy, options, now, hasScorer, isNotarised } = inputs;
  const foresight = hasScorer && scorer !== undefined ? { scorer, isNotarised } : undefined;
  return decide(snapshot, state, forecast, policyOf(policy), now, foresight, options);
}
