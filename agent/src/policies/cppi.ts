import { BallastError } from "@ballast/data";
import { scaledNormalInterval } from "@ballast/model";

/** Constant proportion portfolio insurance (Black & Jones 1987; Perold 1986). */
export interface CppiParameters {
  /** Exposure to the risky assets per unit of cushion, above 1. A fall of 1/multiplier between two looks breaks the floor. */
  readonly multiplier: number;
  /** Least value that is to be kept, in the unit of the value, from 0. */
  readonly floor: number;
  /** The floor follows this share of the highest value so far, 0 (never) to below 1 (Estep & Kritzman 1988). */
  readonly ratchet: number;
  /** Largest share held in the risky assets, above 0 up to 1: no borrowing. */
  readonly most: number;
}

export class BadCppiError extends BallastError {
  readonly code = "BAD_CPPI";
  readonly parameter: string;
  readonly value: number;
  constructor(parameter: string, value: number, range: string) {
    super(`The insurance's ${parameter} is ${value}; give a number ${range}.`);
    this.parameter = parameter;
    this.value = value;
  }
}

/** Throws BadCppiError. */
export function checkCppi({ multiplier, floor, ratchet, most }: CppiParameters): void {
  if (!(multiplier > 1 && Number.isFinite(multiplier)))
    throw new BadCppiError("multiplier", multiplier, "above 1");
  if (!(floor >= 0 && Number.isFinite(floor))) throw new BadCppiError("floor", floor, "from 0");
  if (!(ratchet >= 0 && ratchet < 1)) throw new BadCppiError("ratchet", ratchet, "from 0 to below 1");
  if (!(most > 0 && most <= 1)) throw new BadCppiError("most", most, "above 0, at most 1");
}

/** The floor that holds once the value has been as high as `peak`. */
export const cppiFloor = ({ floor, ratchet }: CppiParameters, peak: number): number =>
  Math.max(floor, ratchet * peak);

/** Share of the value to hold in the risky assets: multiplier × cushion, from none at the floor to `most`. */
export function cppiExposure(parameters: CppiParameters, value: number, peak: number): number {
  const cushion = Math.max(0, value - cppiFloor(parameters, peak));
  return value > 0 ? Math.min(parameters.most, (parameters.multiplier * cushion) / value) : 0;
}

/**
 * Fall of the risky assets, share of their value, that brings a portfolio of this exposure to its floor; 0 at the floor
 * or below it, 1 where no fall can.
 */
export function fallToFloor(exposure: number, value: number, floor: number): number {
  if (value <= floor) return exposure > 0 ? 0 : 1;
  return exposure * value > value - floor ? (value - floor) / (exposure * value) : 1;
}

/**
 * Gap risk: the chance that at least one of `looks` periods brings a log return of ln(1 − fall) or less, each
 * N(0, sigma²) and repaired at every look (Cont & Tankov 2009, eq. 2, for a law without jumps and without drift).
 */
export function gapRisk(fall: number, sigma: number, looks: number): number {
  if (fall <= 0) return 1;
  if (fall >= 1 || sigma <= 0) return 0;
  const once = scaledNormalInterval(0, -Infinity, Math.log1p(-fall) / sigma);
  return -Math.expm1(looks * Math.log1p(-once));
}
