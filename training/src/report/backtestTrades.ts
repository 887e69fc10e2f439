import type { BacktestRecord, BacktestTrade } from "../replay/record.ts";
import { COST_KINDS } from "../replay/steps.ts";
import { escapeHtml, type Shape } from "./chart.ts";

export const minute = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ");

export const dollars = (amount: number): string =>
  `${amount < 0 ? "−" : ""}$${Math.abs(amount).toLocaleString("en-US", { maximumFractionDigits: Math.abs(amount) < 100 ? 2 : 0 })}`;

/** A weight on the edge of its band, to a double's rounding, is inside. */
const ROUNDING = 1e-12;

/** A trade that the page shows, with the id of the row that says why it was made. */
export interface ShownTrade extends BacktestTrade {
  readonly row: string;
  /** "after" where some weight had left its band, else "ahead". */
  readonly shape: Shape;
}

/**
 * The trades of a page that cannot show all: those between two times first, then the largest, in the order of time.
 * `prefix` makes the ids of the rows unique in the page.
 */
export function toShownTrades(
  { trades, targets, bands }: BacktestRecord,
  prefix: string,
  most: number,
  [from, to]: readonly [number, number],
): ShownTrade[] {
  const isInside = ({ executedAt }: BacktestTrade) => executedAt >= from && executedAt <= to;
  return trades
    .toSorted((a, b) => Number(isInside(b)) - Number(isInside(a)) || moved(b) - moved(a))
    .slice(0, most)
    .sort((a, b) => a.executedAt - b.executedAt)
    .map((trade, k) => {
      const isOutside = trade.weightsBefore.some((w, i) => Math.abs(w - targets[i]!) > bands[i]! + ROUNDING);
      return { ...trade, row: `${prefix}-${k}`, shape: isOutside ? "after" : "ahead" };
    });
}

const moved = ({ weightsBefore, weightsAfter }: BacktestTrade): number =>
  weightsBefore.reduce((sum, weight, i) => sum + Math.abs(weight - weightsAfter[i]!), 0);

/** Folded away: when, why with the numbers the policy gave, what moved and what it cost. */
export function toTradeList(record: BacktestRecord, shown: readonly ShownTrade[]): string {
  const { name, assets, trades } = record;
  if (trades.length === 0) return `<p>${escapeHtml(name)} made no trade.</p>`;
  const all =
    shown.length === trades.length
      ? `${trades.length} trades`
      : `${shown.length} of ${trades.length.toLocaleString("en-US")} trades, the largest and those of the close-up; the record has all`;
  const rows = shown.map(
    (trade) =>
      `<tr id="${trade.row}"><td>${minute(trade.executedAt)}${trade.executedAt === trade.decidedAt ? "" : `<small>decided ${minute(trade.decidedAt)}</small>`}</td><td>${escapeHtml(`${name}: ${trade.reason}`)}<small>${escapeHtml(numbersText(trade.numbers))}</small></td><td>${toMoves(assets, trade)}</td><td class="figure">sold ${dollars(trade.soldDollars)}</td><td class="figure">cost ${dollars(COST_KINDS.reduce((sum, kind) => sum + trade.costs[kind], 0))}<small>${costText(trade)}</small></td><td class="figure">${Number.isFinite(trade.gasGwei) ? `${trade.gasGwei.toFixed(1)} gwei` : "–"}</td></tr>`,
  );
  return `<details><summary>${escapeHtml(`${name}: ${all}`)}</summary><div class="scroll" tabindex="0" role="region" aria-label="Trades of ${escapeHtml(name)}"><table class="list trades"><thead><tr><th scope="col">Executed, UTC</th><th scope="col">Why</th><th scope="col">Weights</th><th scope="col" class="figure">Sold</th><th scope="col" class="figure">Cost</th><th scope="col" class="figure">Gas paid</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div></details>`;
}

const toMoves = (assets: readonly string[], { weightsBefore, weightsAfter }: BacktestTrade): string =>
  assets
    .flatMap((asset, i) => {
      const [before, after] = [weightsBefore[i]! * 100, weightsAfter[i]! * 100];
      return Math.abs(before - after) < 0.005
        ? []
        : [`${asset} ${before.toFixed(2)} → ${after.toFixed(2)} %`];
    })
    .map(escapeHtml)
    .join("<br>");

const costText = ({ costs }: BacktestTrade): string =>
  COST_KINDS.filter((kind) => costs[kind] > 0)
    .map((kind) => `${words(kind)} ${dollars(costs[kind])}`)
    .join(" · ");

/** `{ gasOverMedian: 0.934 }` as `gas over median 0.93`. */
const numbersText = (numbers: BacktestTrade["numbers"]): string =>
  Object.entries(numbers)
    .map(([name, value]) => `${words(name)} ${Number(value.toPrecision(3))}`)
    .join(" · ");

const words = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z\d])/g, " ").toLowerCase();
