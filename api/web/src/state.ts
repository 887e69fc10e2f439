import type { VaultState } from "@ballast/agent";

type Tagged = { readonly $bigint?: string; readonly $number?: string };

/** The agent's JSON with its tags read: see `tagged-json.ts` of the agent. */
function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged);
  if (typeof value !== "object" || value === null) return value;
  const { $bigint, $number } = value as Tagged;
  if ($bigint !== undefined) return BigInt($bigint);
  if ($number !== undefined) return Number($number);
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key.replace(/^\$\$/, "$"), untagged(part)]),
  );
}

/** What a decision was made from, as its evidence says it. Whether it is true, Verify finds out. */
export interface Inputs {
  readonly state: VaultState;
  readonly policy: {
    readonly name: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly horizonHours?: number;
  };
}

/** Undefined where the evidence does not bring them. */
export function inputsOf(evidence: unknown): Inputs | undefined {
  const { inputs } = (evidence ?? {}) as { readonly inputs?: unknown };
  return inputs === undefined ? undefined : (untagged(inputs) as Inputs);
}
