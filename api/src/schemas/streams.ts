import { TOPICS } from "@ballast/agent";
import { Type } from "typebox";

export const StreamQuery = Type.Object(
  {
    topics: Type.Optional(
      Type.String({
        pattern: `^(${TOPICS.join("|")})(,(${TOPICS.join("|")}))*$`,
        maxLength: 100,
        description: `Of ${TOPICS.join(", ")}, parted by commas; default: all`,
      }),
    ),
    after: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "Id of the last event received; default: the header Last-Event-ID, else from now on",
      }),
    ),
  },
  { additionalProperties: false },
);

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
const share = (description: string) => orNull(Type.Number({ description }));

/** Data of a `vaults` event. */
export const VaultState = Type.Object({
  vault: Type.String({ description: "Address" }),
  chainId: Type.String({ description: "EIP-155 chain id" }),
  sequence: Type.String({ description: "Sequence that the decision would consume" }),
  at: Type.String({ format: "date-time", description: "Bar close of the decision" }),
  run: Type.String(),
  decisionHash: Type.String({ description: "Decision made on this state" }),
  isBreached: Type.Boolean({ description: "A weight was outside its band" }),
  breachProbability: share("Highest of any holding within the policy's horizon, 0..1"),
  holdings: Type.Array(
    Type.Object({
      asset: orNull(Type.String({ description: "Null where an older journal kept no bands" })),
      weight: share("Before the decision, 0..1"),
      target: share("0..1"),
      band: share("Half-width: the weight shall stay within target ± band"),
    }),
  ),
});
