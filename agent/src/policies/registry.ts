import { BallastError, fromWad, type Wad, wad } from "@ballast/data";
import type { Holding, Policy } from "../types.ts";
import { WAD } from "../weights.ts";
import type { PolicyDefinition } from "./definition.ts";
import { DEFINITIONS } from "./definitions.ts";
import { PolicyParameterError, toParameters, UnknownPolicyError } from "./parameters.ts";

/** Every policy by its name. */
export const POLICIES: ReadonlyMap<string, PolicyDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);

/** As it stands in the inputs of a decision, in a file, or on a command line. */
export interface PolicyRequest {
  readonly name: string;
  /** What is absent has its default. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/**
 * The policy of that name and parameters. Its own `parameters` are whole, and give the same policy again.
 * Throws UnknownPolicyError, UnknownPolicyParameterError and PolicyParameterError.
 */
export function policyOf({ name, parameters = {} }: PolicyRequest): Policy {
  const definition = POLICIES.get(name);
  if (definition === undefined) throw new UnknownPolicyError(name, [...POLICIES.keys()]);
  return definition.build(toParameters(name, definition.parameters, parameters));
}

/** The plain rule, which every other is measured against: outside the vault's band, everything back to target. */
export const thresholdPolicy = (): Policy => policyOf({ name: "threshold" });

export class BadTargetsError extends BallastError {
  readonly code = "BAD_TARGETS";
}

/**
 * Refuses a policy for a vault that it cannot serve: targets that do not sum to one, a band of the vault's or a trigger
 * of the policy's that overlaps a weight of zero. Throws BadTargetsError and PolicyParameterError.
 */
export function checkFit(
  { name, parameters }: Pick<Policy, "name" | "parameters">,
  holdings: readonly Pick<Holding, "asset" | "targetWeight" | "band">[],
): void {
  const sum = holdings.reduce((total, { targetWeight }) => total + targetWeight, 0n);
  if (sum !== WAD)
    throw new BadTargetsError(
      `the targets of ${holdings.map(({ asset }) => asset).join(", ")} sum to ${fromWad(wad(sum))}; make them sum to 1.`,
    );
  const overlapping = holdings.find(({ targetWeight, band }) => targetWeight > 0n && band >= targetWeight);
  if (overlapping !== undefined)
    throw new BadTargetsError(
      `the band of ${overlapping.asset}, ±${fromWad(overlapping.band)} around ${fromWad(overlapping.targetWeight)}, overlaps ` +
        "a weight of zero; make it narrower than the target.",
    );
  const { width, size } = parameters;
  if (typeof size !== "number" || (width !== "band" && width !== "absolute")) return;
  for (const { asset, targetWeight, band } of holdings) {
    const half = width === "band" ? size * fromWad(band) : size;
    if (targetWeight > 0n && half >= fromWad(targetWeight as Wad))
      throw new PolicyParameterError(
        name,
        "size",
        size,
        `the trigger of ${asset}, ±${half} around ${fromWad(targetWeight)}, overlaps a weight of zero; give less`,
      );
  }
}
