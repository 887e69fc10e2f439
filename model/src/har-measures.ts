import { BallastError } from "@ballast/data";

/** Realised measures of each period, oldest first, all equally long; squared log units per period (rq: fourth power). */
export interface RealisedMeasures {
  /** Realised variance: Σ r² (Andersen, Bollerslev, Diebold & Labys 2003). */
  readonly rv: Float64Array;
  /** Bipower variation, which jumps do not reach: π/2 · m/(m − 1) · Σ |rᵢ||rᵢ₋₁| (Barndorff-Nielsen & Shephard 2004). */
  readonly bv: Float64Array;
  /** Realised semivariances of gains and of losses; a return of 0 is in neither (Barndorff-Nielsen, Kinnebrock & Shephard 2010). */
  readonly rsPlus: Float64Array;
  readonly rsMinus: Float64Array;
  /** Realised quarticity: m/3 · Σ r⁴ (Barndorff-Nielsen & Shephard 2002): how uncertain rv is. */
  readonly rq: Float64Array;
  /** max(rv − bv, 0) (Andersen, Bollerslev & Diebold 2007). */
  readonly jump: Float64Array;
}

export type RealisedMeasure = keyof RealisedMeasures;

export class UnevenPeriodsError extends BallastError {
  readonly code = "UNEVEN_PERIODS";
  readonly returns: number;
  readonly perPeriod: number;
  constructor(returns: number, perPeriod: number) {
    super(
      `${returns} returns do not make whole periods of ${perPeriod}. ` +
        "Give a whole number of periods, of two or more returns each.",
    );
    this.returns = returns;
    this.perPeriod = perPeriod;
  }
}

export class BadIntradayReturnError extends BallastError {
  readonly code = "BAD_INTRADAY_RETURN";
  readonly index: number;
  readonly value: number;
  constructor(index: number, value: number) {
    super(`Return number ${index} is ${value}. Fill or leave out what is missing before measuring.`);
    this.index = index;
    this.value = value;
  }
}

/** Measures of consecutive periods of `perPeriod` ≥ 2 log returns each, oldest first. */
export function realisedMeasures(returns: Float64Array, perPeriod: number): RealisedMeasures {
  if (!Number.isInteger(perPeriod) || perPeriod < 2 || returns.length % perPeriod !== 0) {
    throw new UnevenPeriodsError(returns.length, perPeriod);
  }
  const periods = returns.length / perPeriod;
  const column = () => new Float64Array(periods);
  const measures = {
    rv: column(),
    bv: column(),
    rsPlus: column(),
    rsMinus: column(),
    rq: column(),
    jump: column(),
  };
  const bipowerScale = ((Math.PI / 2) * perPeriod) / (perPeriod - 1);
  for (let p = 0; p < periods; p++) {
    let gains = 0;
    let losses = 0;
    let pairs = 0;
    let fourths = 0;
    for (let i = p * perPeriod; i < (p + 1) * perPeriod; i++) {
      const r = returns[i]!;
      if (!Number.isFinite(r)) throw new BadIntradayReturnError(i, r);
      const square = r * r;
      if (r > 0) gains += square;
      else losses += square;
      fourths += square * square;
      if (i > p * perPeriod) pairs += Math.abs(r * returns[i - 1]!);
    }
    measures.rsPlus[p] = gains;
    measures.rsMinus[p] = losses;
    measures.rv[p] = gains + losses;
    measures.bv[p] = bipowerScale * pairs;
    measures.rq[p] = (perPeriod / 3) * fourths;
    measures.jump[p] = Math.max(0, gains + losses - measures.bv[p]!);
  }
  return measures;
}
