import { Type } from "typebox";
import { hash, nullable } from "../schemas.ts";

const text = (description: string, example: string) =>
  nullable(Type.String({ description, examples: [example] }));

export const Dataset = Type.Object({
  root: hash("Merkle root of the market's bytes"),
  name: text("Of its source", "binance-usdt-1h"),
  assets: Type.Array(Type.String(), { description: "Tickers, ascending", examples: [["BTC", "ETH"]] }),
  intervalMs: nullable(Type.Number({ description: "Length of a bar, ms", examples: [3_600_000] })),
  from: text("Opening of the first bar", "2022-01-01T00:00:00Z"),
  until: text("Nothing at or after it was read", "2022-10-01T00:00:00Z"),
  models: Type.Array(hash("Model"), { description: "Ids of the models trained on it" }),
});
export const Datasets = Type.Object({ items: Type.Array(Dataset) });
