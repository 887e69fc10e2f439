import { Type } from "typebox";

/** What a notary takes and gives. Hashes are lower-case hexadecimal. */

const hash = (description: string) => Type.String({ pattern: "^0x[0-9a-f]{64}$", description });

export const Proposal = Type.Object(
  {
    format: Type.Literal("ballast-proposal/1"),
    inputRoot: hash("Merkle root of the snapshot"),
    featuresRoot: hash("Merkle root of all assets' integer features"),
    at: Type.Integer({ minimum: 0, description: "Bar close, Unix ms" }),
    intervalMs: Type.Integer({ minimum: 1 }),
    assets: Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { minItems: 1, maxItems: 256 }),
    snapshot: Type.String({ minLength: 1, description: "Canonical bytes of the snapshot, base64" }),
  },
  { additionalProperties: false },
);

export const Judgement = Type.Union([
  Type.Object({ kind: Type.Literal("equal") }, { description: "The same bits as the notary's own data" }),
  Type.Object(
    {
      kind: Type.Literal("within"),
      feature: Type.Number({ description: "Largest difference of a feature; 1024 is 1" }),
      priceBps: Type.Number({ description: "Largest difference of a close, basis points" }),
      notSame: Type.Array(Type.String(), {
        description: "Series beside the bars that are not the notary's own",
      }),
    },
    { description: "Other data, within the tolerance" },
  ),
]);

export const Notarised = Type.Object({
  notary: Type.String({ pattern: "^0x[0-9a-fA-F]{40}$" }),
  signature: Type.String({
    pattern: "^0x[0-9a-f]{130}$",
    description: "r, s, v over the EIP-712 MarketStatement",
  }),
  judgement: Judgement,
});

export const NotaryHealth = Type.Object({
  status: Type.Literal("ok"),
  notary: Type.String(),
  source: Type.String(),
  featureTolerance: Type.Number(),
  priceToleranceBps: Type.Number(),
});
