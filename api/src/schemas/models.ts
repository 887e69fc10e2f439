import { Type } from "typebox";
import { anyCase, hash, nullable } from "../schemas.ts";

export const ModelParams = Type.Object({ modelId: anyCase("Model id: 0x and 64 hexadecimal digits") });

export const NetworkParams = Type.Object({
  networkId: anyCase("A decision's modelId: 0x and 64 hexadecimal digits"),
});

export const Manifest = Type.Object(
  { modelId: hash("keccak256 of the model's bytes") },
  {
    additionalProperties: true,
    description: "As training wrote it: data root, configuration, seed, backend, versions, metrics",
  },
);

export const Models = Type.Object({ items: Type.Array(Manifest) });

export const Model = Type.Object({
  modelId: hash("Model"),
  manifest: Manifest,
  artefact: nullable(
    Type.Object(
      {
        bytes: Type.Integer(),
        features: Type.Array(Type.String()),
        horizonsHours: Type.Array(Type.Number()),
        members: Type.Array(Type.Array(Type.Integer()), {
          description: "Layer widths of each network, inputs first",
        }),
        parameters: Type.Integer({ description: "Weights and biases of all layers" }),
        costs: Type.Array(Type.String(), { description: "Series whose costs ahead it forecasts" }),
      },
      { description: "Null where the store has the manifest alone" },
    ),
  ),
});

export const Network = Type.Object({
  networkId: hash("keccak256 of the bytes, and the code hash of the contract that holds them"),
  modelId: hash("Model that brings it along"),
  bytes: Type.String({ pattern: "^0x([0-9a-f]{2})*$", description: "The network in canonical bytes" }),
});
