import type { Forecast } from "../api.ts";
import { timeChart } from "../charts.ts";
import { asTable, card, notice } from "../dom.ts";
import { duration, figure, moment } from "../format.ts";

/** The base fee until now, and what is expected of it; `forecasts` newest first. */
export function gasCard(forecasts: readonly Forecast[]): HTMLElement {
  const title = "Gas now against its forecast";
  const feeOf = ({ costs }: Forecast) => costs?.series.find(({ series }) => series === "base_fee_gwei");
  const fee = forecasts[0] && feeOf(forecasts[0]);
  if (fee === undefined)
    return card(
      title,
      null,
      notice("No forecast of gas", "The market data this model reads have no base fee."),
    );
  const now = Date.parse(forecasts[0]!.at);
  const past = forecasts
    .toReversed()
    .map((forecast) => ({ at: Date.parse(forecast.at), fee: feeOf(forecast)?.now ?? null }));
  const ahead = fee.horizons;
  const times = [...past.map(({ at }) => at), ...ahead.map(({ hours }) => now + hours * 3.6e6)];
  const lead = past.map((_, i) => (i === past.length - 1 ? fee.now : null));
  const at = (index: number) => [...lead, ...ahead.map(({ last }) => last.quantiles.at(index) ?? null)];
  const last = ahead.at(-1);
  return card(
    title,
    "Base fee in gwei. To the right of the upright line: the expected fee, and where it lies in 9 of 10 cases.",
    timeChart({
      label: `Base fee: ${figure(fee.now)} gwei now, ${figure(last?.last.mean)} expected in ${duration(last?.hours ?? 0)}.`,
      height: 200,
      times,
      now,
      low: 0,
      lines: [
        {
          label: "base fee",
          values: [...past.map((point) => point.fee), ...ahead.map(() => null)],
          colour: "gas",
        },
        { label: "95 %", values: at(-1), colour: "gas-fan-edge", width: 1 },
        {
          label: "expected",
          values: [...lead, ...ahead.map((horizon) => horizon.last.mean)],
          colour: "gas",
          dash: [4, 4],
        },
        { label: "5 %", values: at(0), colour: "gas-fan-edge", width: 1 },
      ],
      areas: [{ between: [1, 3], colour: "gas-fan" }],
      write: figure,
      say: (i) =>
        i === null
          ? `Now ${figure(fee.now)} gwei`
          : i < past.length
            ? `${moment(times[i]!)}: ${figure(past[i]?.fee)} gwei`
            : `${moment(times[i]!)}: ${figure(ahead[i - past.length]?.last.mean)} gwei expected`,
    }),
    asTable(
      "Base fee ahead, gwei",
      [
        { head: "In", cell: ({ hours }) => duration(hours) },
        { head: "Expected", isNumber: true, cell: ({ last: { mean } }) => figure(mean) },
        { head: "5 %", isNumber: true, cell: ({ last: { quantiles } }) => figure(quantiles[0]) },
        { head: "95 %", isNumber: true, cell: ({ last: { quantiles } }) => figure(quantiles.at(-1)) },
        { head: "Lowest until then", isNumber: true, cell: ({ lowest }) => figure(lowest.mean) },
      ],
      ahead,
    ),
  );
}
