/** One round of successive halving: how many trials run, and for how many epochs at most. */
export interface Rung {
  readonly trials: number;
  readonly epochs: number;
}

/** Of this many trials one goes on to the next rung, with this many times the epochs. */
export const REDUCTION = 3;

/**
 * Successive halving (Jamieson & Talwalkar 2016), one bracket of Hyperband (Li et al. 2018, algorithm 1): all
 * trials run on few epochs, the best third on three times as many, and so on to `maxEpochs`. A rung begins when
 * the one before has ended, so that who goes on does not depend on which worker is the faster.
 */
export function toRungs(trials: number, maxEpochs: number): Rung[] {
  const counts = [trials];
  for (let budget = maxEpochs; budget >= REDUCTION; budget /= REDUCTION) {
    const next = Math.floor(counts.at(-1)! / REDUCTION);
    if (next === 0) break;
    counts.push(next);
  }
  const last = counts.length - 1;
  return counts.map((count, k) => ({
    trials: count,
    epochs: Math.max(1, Math.round(maxEpochs / REDUCTION ** (last - k))),
  }));
}

export interface Scored {
  /** Number of the trial in the sweep. */
  readonly index: number;
  /** Null where it diverged, which is worse than any number. */
  readonly loss: number | null;
}

/** Best first; of equals the earlier in the sweep. */
export const byLoss = (a: Scored, b: Scored): number => {
  const [x, y] = [a.loss ?? Number.POSITIVE_INFINITY, b.loss ?? Number.POSITIVE_INFINITY];
  return x === y ? a.index - b.index : x - y;
};

/** The trials of the next rung, those that diverged excepted. */
export const toSurvivors = (scored: readonly Scored[], count: number): number[] =>
  scored
    .filter(({ loss }) => loss !== null)
    .sort(byLoss)
    .slice(0, count)
    .map(({ index }) => index);
