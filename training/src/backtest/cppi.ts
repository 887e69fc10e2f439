import { type CppiParameters, checkCppi, cppiExposure, cppiFloor } from "@ballast/agent";
import { normalCdf } from "../evaluation/distributions.ts";
import { requireLength, requireSample, requireThat } from "../evaluation/sample.ts";

/** What an insured portfolio came to, from a value of 1. */
export interface CppiRun {
  readonly value: Float64Array;
  /** The floor that held at each bar, with what the peak until then had made of it. */
  readonly floor: Float64Array;
  /** Bars at which the value was below the floor that held before them: gaps. */
  readonly brokenBars: number;
  /** Most that was missing to the floor, share of it; 0 where it never broke. */
  readonly worstShortfall: number;
  /**
   * Chance that as many bars, with the mean and spread that these had, break the floor: what `cppiGapRisk` says of the
   * log growth of the risky part over the safe one. Beside `brokenBars`, what might have been.
   */
  readonly gapRisk: number;
  readonly turnover: number;
  readonly costs: number;
}

/**
 * Runs the insurance over growth per bar (1 is no change) of the risky and of the safe part. It trades at every bar
 * at which its exposure is further than `tolerance` from what it should be, at `feeRate` of what is traded. Throws
 * BadCppiError and as `requireSample` does.
 */
export function simulateCppi(
  risky: Float64Array,
  safe: Float64Array,
  parameters: CppiParameters,
  { feeRate = 0, tolerance = 0 }: { readonly feeRate?: number; readonly tolerance?: number } = {},
): CppiRun {
  checkCppi(parameters);
  requireSample("risky growth", risky, 1);
  requireSample("safe growth", safe, 1);
  requireLength("safe growth", safe, risky.length);
  requireThat(parameters.floor < 1, "floor", parameters.floor, "below the value of 1 at the start");
  const value = new Float64Array(risky.length);
  const floor = new Float64Array(risky.length);
  let worth = 1;
  let peak = 1;
  let exposure = cppiExposure(parameters, worth, peak);
  let [turnover, costs, brokenBars, worstShortfall] = [0, 0, 0, 0];
  for (let t = 0; t < risky.length; t++) {
    const before = cppiFloor(parameters, peak);
    const growth = exposure * risky[t]! + (1 - exposure) * safe[t]!;
    exposure = (exposure * risky[t]!) / growth;
    worth *= growth;
    const wanted = cppiExposure(parameters, worth, Math.max(peak, worth));
    if (Math.abs(wanted - exposure) > tolerance) {
      const traded = Math.abs(wanted - exposure);
      turnover += traded;
      costs += feeRate * traded;
      worth *= 1 - feeRate * traded;
      exposure = wanted;
    }
    // A hair below is rounding, no gap.
    if (worth < before * (1 - 1e-12)) {
      brokenBars++;
      worstShortfall = Math.max(worstShortfall, 1 - worth / before);
    }
    peak = Math.max(peak, worth);
    value[t] = worth;
    floor[t] = cppiFloor(parameters, peak);
  }
  const gapRisk = gapRiskOf(
    risky.map((growth, t) => Math.log(growth / safe[t]!)),
    parameters.multiplier,
  );
  return { value, floor, brokenBars, worstShortfall, gapRisk, turnover, costs };
}

function gapRiskOf(logs: Float64Array, multiplier: number): number {
  const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
  const sigma = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logs.length);
  // Of growth that never varies, nothing but its own size can break a floor.
  if (!(sigma > 0)) return mean <= Math.log(1 - 1 / multiplier) ? 1 : 0;
  return cppiGapRisk(multiplier, sigma, logs.length, mean);
}

/**
 * Gap risk: the chance that at least one of `looks` periods falls by 1/multiplier or more, log returns N(mean,
 * sigma²) each (Cont & Tankov 2009, eq. 2, for a law without jumps).
 */
export function cppiGapRisk(multiplier: number, sigma: number, looks: number, mean = 0): number {
  requireThat(multiplier > 1, "multiplier", multiplier, "above 1");
  requireThat(sigma > 0, "sigma", sigma, "above 0");
  requireThat(Number.isInteger(looks) && looks >= 1, "looks", looks, "a whole number from 1");
  const once = normalCdf((Math.log(1 - 1 / multiplier) - mean) / sigma);
  return -Math.expm1(looks * Math.log1p(-once));
}
