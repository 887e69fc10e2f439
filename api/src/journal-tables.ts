import type { Static } from "typebox";
import type * as decisions from "./schemas/decisions.ts";
import type * as forecasts from "./schemas/forecasts.ts";
import { type Column, type Kind, type Table, toTable } from "./tables/table.ts";

const columnsOf = (kinds: Readonly<Record<string, Kind>>) =>
  Object.entries(kinds).map(([name, kind]) => ({ name, kind }));

const DECISION_COLUMNS = columnsOf({
  hash: "text",
  run: "text",
  at: "time",
  stage: "text",
  action: "text",
  reason: "text",
  policy: "text",
  isBreached: "flag",
  breachProbability: "number",
  vault: "text",
  sequence: "digits",
  expiresAt: "time",
  inputRoot: "text",
  modelId: "text",
  forecastHash: "text",
  trades: "number",
  offchainUid: "text",
  uid: "text",
  txHash: "text",
  minedAt: "time",
  gasUsed: "digits",
  gasPrice: "digits",
  navBefore: "digits",
  navAfter: "digits",
  rejection: "text",
});

const toMs = (iso: string | undefined): number | null => (iso === undefined ? null : Date.parse(iso));

/** One row a decision; its weights are one row a holding in /v1/breaches, its trades are counted. */
export const toDecisionTable = (items: readonly Static<typeof decisions.Decision>[]): Table =>
  toTable(
    DECISION_COLUMNS,
    items.map(({ at, decision, trades, execution, rejection, weights: _, numbers: __, ...plain }) => ({
      ...plain,
      at: Date.parse(at),
      vault: decision.vault,
      sequence: decision.sequence,
      expiresAt: 1000 * Number(decision.expiresAt),
      inputRoot: decision.inputRoot,
      modelId: decision.modelId,
      forecastHash: decision.forecastHash,
      trades: trades.length,
      minedAt: toMs(execution?.minedAt),
      gasUsed: execution?.gasUsed,
      gasPrice: execution?.gasPrice,
      navBefore: execution?.navBefore,
      navAfter: execution?.navAfter,
      rejection: rejection?.code,
    })),
  );

const FORECAST_COLUMNS = columnsOf({
  at: "time",
  hash: "text",
  modelId: "text",
  asset: "text",
  hours: "number",
  variance: "number",
  volAnnual: "number",
});

/** One row a forecast, asset and horizon, with a column `q0.05`, … a level of the variance's quantiles. */
export function toForecastTable(items: readonly Static<typeof forecasts.Forecast>[]): Table {
  const rows = items.flatMap(({ hash, modelId, at, assets, levels }) =>
    assets.flatMap(({ asset, horizons }) =>
      horizons.map(({ quantiles, ...horizon }) => ({
        row: { at: Date.parse(at), hash, modelId, asset, ...horizon },
        quantileAt: new Map(levels?.map((level, i) => [level, quantiles?.[i]])),
      })),
    ),
  );
  const levels = [...new Set(items.flatMap((item) => item.levels ?? []))].sort((x, y) => x - y);
  const { columns } = toTable(
    FORECAST_COLUMNS,
    rows.map(({ row }) => row),
  );
  const spread = levels.map((level): Column => {
    const values = Float64Array.from(rows, ({ quantileAt }) => quantileAt.get(level) ?? Number.NaN);
    return { name: `q${level}`, kind: "number", values };
  });
  return { rows: rows.length, columns: [...columns, ...spread] };
}
