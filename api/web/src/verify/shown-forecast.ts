import { type Hex, unixMillis } from "@ballast/data";
import type { Forecast as ModelForecast } from "@ballast/model";
import type { Forecast } from "../api.ts";

/** A forecast as the service shows it, as the model had it: the same numbers, of which its hash is made. */
export function toForecast(shown: Forecast): ModelForecast {
  const { assets, levels, costs } = shown;
  const names = assets.map(({ asset }) => asset);
  return {
    modelId: shown.modelId as Hex,
    at: unixMillis(Date.parse(shown.at)),
    horizonsHours: assets[0]?.horizons.map(({ hours }) => hours) ?? [],
    assets: names,
    variance: assets.map(({ horizons }) => horizons.map(({ variance }) => variance)),
    ...(levels !== null && {
      quantiles: {
        levels,
        variance: assets.map(({ horizons }) => horizons.map(({ quantiles }) => quantiles ?? [])),
      },
    }),
    correlation: assets.map(({ correlation }) => names.map((name) => correlation[name] ?? Number.NaN)),
    breachCalibration: shown.breachCalibration,
    ...(costs !== null && {
      costs: {
        levels: costs.levels,
        series: costs.series.map(({ series, now, horizons }) => ({
          name: series,
          now,
          horizonsHours: horizons.map(({ hours }) => hours),
          last: horizons.map(({ last }) => last),
          mean: horizons.map(({ mean }) => mean),
          lowest: horizons.map(({ lowest }) => lowest),
        })),
      },
    }),
  };
}
