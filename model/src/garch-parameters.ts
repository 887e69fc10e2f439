import { ALPHA, BETA, GAMMA, type GarchKind, MU, NU, OMEGA, SLOTS } from "./garch-likelihood.ts";

/** α + γ/2 + β, or |β| of EGARCH, stays below this: an integrated process has no long-run variance. */
const PERSISTENCE_LIMIT = 1 - 1e-6;
/** ω in units of the sample variance: below it, a series that stops moving would have unbounded likelihood. */
const LOG_OMEGA = [Math.log(1e-8), Math.log(10)] as const;
/** 1/ν: from so heavy a tail that the variance hardly exists to what nobody can tell from the Gaussian. */
const INVERSE_NU = [1 / 500, 1 / 2.05] as const;

/** A smooth map of all of ℝᵏ onto the parameters a model may have, for returns of unit variance. */
export interface Parameterisation {
  /** Slots that are estimated, ascending; one free coordinate each. */
  readonly slots: readonly number[];
  /** Writes the parameters at `free`; `jacobian` [slot][coordinate] takes their derivatives. */
  toTheta(free: Float64Array, theta: Float64Array, jacobian: Float64Array): void;
  /** The coordinates of parameters inside of the bounds. */
  toFree(theta: Float64Array): Float64Array;
}

/** True where the recursion gives positive variances that do not explode, for any returns. */
export const isAdmissible = (kind: GarchKind, theta: Float64Array): boolean =>
  (kind === "egarch"
    ? Math.abs(theta[BETA]!) < 1
    : theta[OMEGA]! > 0 &&
      theta[ALPHA]! >= 0 &&
      theta[ALPHA]! + theta[GAMMA]! >= 0 &&
      theta[BETA]! >= 0 &&
      theta[ALPHA]! + theta[GAMMA]! / 2 + theta[BETA]! < 1) && theta[NU]! > 2;

/**
 * GARCH and GJR: logits of the persistence, of β's share in it and of the share of α in what positive and
 * negative shocks add; EGARCH: β by tanh, and ln α: where large shocks calmed, α < 0, its filter would forget its
 * start so slowly that the likelihood is all ridges.
 */
export function parameterisation(kind: GarchKind, isStudent: boolean, hasMean: boolean): Parameterisation {
  const slots = [MU, OMEGA, ALPHA, GAMMA, BETA, NU].filter(
    (slot) => (slot !== MU || hasMean) && (slot !== GAMMA || kind !== "garch") && (slot !== NU || isStudent),
  );
  const k = slots.length;
  const at = Array.from({ length: SLOTS }, (_, slot) => slots.indexOf(slot));
  const value = (free: Float64Array, slot: number) => (at[slot]! < 0 ? 0 : free[at[slot]!]!);

  function toTheta(free: Float64Array, theta: Float64Array, jacobian: Float64Array): void {
    jacobian.fill(0);
    const put = (slot: number, coordinate: number, derivative: number) => {
      if (at[coordinate]! >= 0) jacobian[slot * k + at[coordinate]!] = derivative;
    };
    theta[MU] = value(free, MU);
    put(MU, MU, 1);
    theta[NU] = Number.POSITIVE_INFINITY;
    if (isStudent) {
      const [low, high] = INVERSE_NU;
      const share = logistic(value(free, NU));
      theta[NU] = 1 / (low + (high - low) * share);
      put(NU, NU, -(theta[NU] ** 2) * (high - low) * share * (1 - share));
    }
    if (kind === "egarch") {
      const t = Math.tanh(value(free, BETA));
      theta[BETA] = PERSISTENCE_LIMIT * t;
      theta[OMEGA] = value(free, OMEGA);
      theta[ALPHA] = Math.exp(value(free, ALPHA));
      theta[GAMMA] = value(free, GAMMA);
      put(BETA, BETA, PERSISTENCE_LIMIT * (1 - t * t));
      put(OMEGA, OMEGA, 1);
      put(ALPHA, ALPHA, theta[ALPHA]!);
      put(GAMMA, GAMMA, 1);
      return;
    }
    const [low, high] = LOG_OMEGA;
    const height = logistic(value(free, OMEGA));
    theta[OMEGA] = Math.exp(low + (high - low) * height);
    put(OMEGA, OMEGA, theta[OMEGA]! * (high - low) * height * (1 - height));
    const p = logistic(value(free, ALPHA));
    const persistence = PERSISTENCE_LIMIT * p;
    const slope = persistence * (1 - p);
    const b = logistic(value(free, BETA));
    theta[BETA] = persistence * b;
    put(BETA, ALPHA, slope * b);
    put(BETA, BETA, persistence * b * (1 - b));
    // What shocks of either sign add on average; α and α + γ are this times 2g and 2(1 − g).
    const shock = persistence * (1 - b);
    const byP = slope * (1 - b);
    const byB = -persistence * b * (1 - b);
    const g = kind === "gjr" ? logistic(value(free, GAMMA)) : 0.5;
    theta[ALPHA] = 2 * g * shock;
    put(ALPHA, ALPHA, 2 * g * byP);
    put(ALPHA, BETA, 2 * g * byB);
    put(ALPHA, GAMMA, 2 * shock * g * (1 - g));
    theta[GAMMA] = 2 * (1 - 2 * g) * shock;
    put(GAMMA, ALPHA, 2 * (1 - 2 * g) * byP);
    put(GAMMA, BETA, 2 * (1 - 2 * g) * byB);
    put(GAMMA, GAMMA, -4 * shock * g * (1 - g));
  }

  function toFree(theta: Float64Array): Float64Array {
    const all = new Float64Array(SLOTS);
    all[MU] = theta[MU]!;
    all[NU] = isStudent ? logit(shareOf(1 / theta[NU]!, INVERSE_NU)) : 0;
    if (kind === "egarch") {
      all[OMEGA] = theta[OMEGA]!;
      all[ALPHA] = Math.log(theta[ALPHA]!);
      all[GAMMA] = theta[GAMMA]!;
      all[BETA] = Math.atanh(theta[BETA]! / PERSISTENCE_LIMIT);
    } else {
      const shock = theta[ALPHA]! + theta[GAMMA]! / 2;
      const persistence = shock + theta[BETA]!;
      all[OMEGA] = logit(shareOf(Math.log(theta[OMEGA]!), LOG_OMEGA));
      all[ALPHA] = logit(persistence / PERSISTENCE_LIMIT);
      all[GAMMA] = logit(theta[ALPHA]! / (2 * shock));
      all[BETA] = logit(theta[BETA]! / persistence);
    }
    return Float64Array.from(slots, (slot) => all[slot]!);
  }

  return { slots, toTheta, toFree };
}

/**
 * Parameters to begin from, by variance targeting on returns of unit variance and mean `mu`: the search starts
 * at the likeliest of them.
 */
export function* startingGrid(kind: GarchKind, mu: number, nu: number): Generator<Float64Array> {
  for (const persistence of [0.8, 0.95, 0.99]) {
    for (const shock of [0.03, 0.08, 0.16]) {
      for (const lean of kind === "garch" ? [0] : [0, 0.5]) {
        const theta = new Float64Array(SLOTS);
        theta[MU] = mu;
        theta[NU] = nu;
        if (kind === "egarch") {
          theta[ALPHA] = 2 * shock;
          theta[GAMMA] = -lean * shock;
          theta[BETA] = persistence;
        } else {
          theta[OMEGA] = 1 - persistence;
          theta[ALPHA] = shock * (1 - lean);
          theta[GAMMA] = 2 * shock * lean;
          theta[BETA] = persistence - shock;
        }
        yield theta;
      }
    }
  }
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const logit = (share: number): number => Math.log(share / (1 - share));
const shareOf = (x: number, [low, high]: readonly [number, number]): number => (x - low) / (high - low);
