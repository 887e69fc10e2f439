import { type Static, type TObject, type TProperties, Type } from "typebox";
import type { Policy } from "../types.ts";

/** A policy as it can be asked for: by name, with parameters that are plain JSON. */
export interface PolicyDefinition {
  readonly name: string;
  /** One line for whoever chooses. */
  readonly summary: string;
  /** Author and year of the rule, where it has one. */
  readonly source: string;
  /** `optional`: without one it decides by a plainer rule and says so. */
  readonly forecast: "unused" | "optional";
  /** Minutes between two looks within a bar, where the operator does not say: for one that waits for the price of gas. */
  readonly relookMinutes?: number;
  /** One property a parameter, each with its range, default and description. */
  readonly parameters: TObject;
  /** Of whole parameters that are inside their ranges. */
  build(parameters: Readonly<Record<string, unknown>>): Policy;
}

/** A definition whose `build` is typed by its own parameters. */
export const define = <P extends TProperties>(
  definition: Omit<PolicyDefinition, "parameters" | "build"> & {
    readonly parameters: P;
    readonly build: (parameters: Static<TObject<P>>) => Policy;
  },
): PolicyDefinition => ({
  ...definition,
  parameters: Type.Object(definition.parameters, { additionalProperties: false }),
  build: definition.build as PolicyDefinition["build"],
});

export const number = (
  initial: number,
  range: { minimum?: number; exclusiveMinimum?: number; maximum?: number; exclusiveMaximum?: number },
  description: string,
) => Type.Number({ ...range, default: initial, description });
export const whole = (initial: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, default: initial, description });
