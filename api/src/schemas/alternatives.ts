import { Type } from "typebox";

const bps = (description: string) =>
  Type.Union([Type.Number({ description: `${description}; bps of the vault's value` }), Type.Null()]);

export const Alternatives = Type.Array(
  Type.Object({
    action: Type.Unsafe<"trade" | "wait">({
      type: "string",
      enum: ["trade", "wait"],
      description: "To the weights that the policy would trade to; or not yet",
    }),
    isChosen: Type.Boolean(),
    feesBps: bps("Pool fees; null where they are not known"),
    gasBps: bps("Gas now; of waiting, at the lowest base fee that is expected within a day"),
    trackingErrorBps24h: bps("Standard deviation, over a day, of the difference to a vault on its targets"),
  }),
  {
    description:
      "What the decision had to choose from, with what each was expected to cost, as its numbers have it; empty where an " +
      "older journal, or a decision that came to no choice, has none. What needs a forecast is null without one",
  },
);
