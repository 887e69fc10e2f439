import { Type } from "typebox";
import * as schemas from "../schemas.ts";
import { column, tablePage } from "./tables.ts";

const SERIES = [
  column.text("exchange", "As ccxt names it", "binance"),
  column.text("asset", "Ticker", "BTC"),
  column.text("quote", "Ticker of what it is priced in", "USDT"),
  column.text("interval", "Length of a bar", "1h"),
];
export const ASSET_COLUMNS = [
  ...SERIES,
  column.time("from", "Opening of the first bar", "2022-01-01T00:00:00Z"),
  column.time("to", "Opening of the last bar", "2022-12-31T23:00:00Z"),
];
export const BAR_COLUMNS = [
  column.time("time", "Opening; a bar is known only once it has closed", "2022-10-11T00:00:00Z"),
  column.text("asset", "Ticker", "BTC"),
  column.number("open", "In the quote currency, as are high, low and close", 19_141.04),
  column.number("high", "Highest price", 19_170.5),
  column.number("low", "Lowest price", 19_101.77),
  column.number("close", "Last price", 19_122.4),
  column.number("volume", "In units of the asset", 5_134.27615),
];
export const SNAPSHOT_COLUMNS = [
  column.text("root", "Merkle root of its bytes: a decision's inputRoot", `0x${"5a".repeat(32)}`),
  column.time("at", "Close of its last bar", "2022-10-11T00:00:00Z"),
  column.text("run", "Run that decided on it", "predictive"),
  column.text("decision", "Hash of that decision", `0x${"7e".repeat(32)}`),
];

export const Assets = tablePage(ASSET_COLUMNS);
export const BarPage = tablePage(BAR_COLUMNS);
export const SnapshotPage = tablePage(SNAPSHOT_COLUMNS);

const name = (pattern: string, description: string, example: string) =>
  Type.String({ pattern, description, examples: [example] });
export const BarsQuery = Type.Object(
  {
    asset: name("^[A-Z0-9][A-Z0-9-]{0,29}$", "Ticker, upper case", "BTC"),
    interval: Type.Optional(name("^[1-9][0-9]{0,5}[smhdw]$", "Length of a bar; default: 1h", "1h")),
    exchange: Type.Optional(
      name("^[a-z0-9_]{1,40}$", "Needed only where several exchanges have the asset", "binance"),
    ),
    quote: Type.Optional(
      name("^[A-Z0-9][A-Z0-9-]{0,29}$", "Needed only where the asset has several quotes", "USDT"),
    ),
    from: schemas.pointInTime("Earliest opening, inclusive; default: the first bar"),
    to: schemas.pointInTime("Latest opening, exclusive"),
    cursor: schemas.Paging.cursor,
    limit: schemas.limit("1000", 10_000),
  },
  { additionalProperties: false },
);
export const SnapshotsQuery = Type.Object(
  { run: Type.Optional(schemas.RunName), ...schemas.Paging, limit: schemas.limit("50") },
  { additionalProperties: false },
);
export const SnapshotParams = Type.Object({
  root: schemas.anyCase("Root of a snapshot: 0x and 64 hexadecimal digits"),
});
