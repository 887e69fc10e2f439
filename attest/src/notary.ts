import { type Hex, isoTime, type Snapshot } from "@ballast/data";
import type { Proposal } from "./proposal.ts";

/** The integer features of all assets of a snapshot, and the root of their tree. */
export interface FeatureTable {
  readonly root: Hex;
  readonly names: readonly string[];
  /** One per asset, by ticker, and the market's under the empty name; 10 fraction bits. */
  readonly rows: readonly {
    readonly asset: string;
    readonly values: ArrayLike<number>;
    /**
     * Per feature, where it ceases to mean anything: what lies below counts as that much where two exchanges are
     * compared. The log of the variance of an hour in which hardly anything moved is noise. Absent: no such bounds.
     */
    readonly least?: ArrayLike<number> | undefined;
  }[];
}

/** How far two exchanges may differ about the same market. */
export interface NotaryTolerance {
  /** Of each feature, in its own unit: 1024 is 1. */
  readonly feature: number;
  /** Of each close, basis points of the notary's own. */
  readonly priceBps: number;
}

/** What a notary finds of a proposal beside its own data. */
export type Judgement =
  /** The same bits: nothing is left to tolerance. */
  | { readonly kind: "equal" }
  /** Other data that say the same within the tolerance. */
  | {
      readonly kind: "within";
      /** The largest differences, in the units of the tolerance. */
      readonly feature: number;
      readonly priceBps: number;
      /** Series of the proposal beside its bars that are not the notary's own; the features do not depend on them. */
      readonly notSame: readonly string[];
    }
  | Refusal;

/** Why a notary does not sign: the first thing that is wrong, or the worst difference. */
export interface Refusal {
  readonly kind: "refused";
  readonly what: "root" | "features-root" | "shape" | "price" | "feature";
  /** Ticker; empty for the whole market. */
  readonly asset: string;
  /** Name of the feature, or time of the bar. */
  readonly name: string;
  readonly theirs: string;
  readonly ours: string;
  /** One sentence with the values, and by how much they differ. */
  readonly detail: string;
}

interface Difference {
  readonly asset: string;
  readonly name: string;
  readonly theirs: number;
  readonly ours: number;
  readonly by: number;
}

const worse = (a: Difference | undefined, b: Difference): Difference =>
  a === undefined || b.by > a.by ? b : a;

function worstFeature(theirs: FeatureTable, ours: FeatureTable): Difference | undefined {
  let worst: Difference | undefined;
  for (const [i, { asset, values }] of theirs.rows.entries()) {
    for (const [k, name] of theirs.names.entries()) {
      const own = ours.rows[i]!;
      const least = own.least?.[k] ?? Number.NEGATIVE_INFINITY;
      const [a, b] = [Math.max(values[k]!, least), Math.max(own.values[k]!, least)];
      worst = worse(worst, { asset, name, theirs: a, ours: b, by: Math.abs(a - b) });
    }
  }
  return worst;
}

function worstPrice(theirs: Snapshot, ours: Snapshot): Difference | undefined {
  let worst: Difference | undefined;
  const { at, intervalMs, assets, bars } = theirs;
  for (const [i, { close }] of bars.entries()) {
    for (let k = 0; k < close.length; k++) {
      const [a, b] = [close[k]!, ours.bars[i]!.close[k]!];
      const by = Math.abs(a / b - 1) * 1e4;
      if (worst !== undefined && by <= worst.by) continue;
      const name = isoTime(at - (close.length - 1 - k) * intervalMs);
      worst = { asset: assets[i]!, name, theirs: a, ours: b, by };
    }
  }
  return worst;
}

const shapeOf = ({ at, intervalMs, assets, bars }: Snapshot): string =>
  `${bars[0]?.close.length ?? 0} bars of ${intervalMs / 60_000} min of ${assets.join(", ")} up to ${isoTime(at)}`;

/** Names of the proposal's series that are not, bit for bit, the notary's as well. */
function unequalSeries(theirs: Snapshot, ours: Snapshot): string[] {
  const own = new Map(ours.exogenous.map((series) => [series.name, series]));
  const isSame = (a: Float64Array, b: Float64Array | undefined) =>
    a.length === b?.length && a.every((value, i) => value === b[i]);
  return theirs.exogenous
    .filter(({ name, publishedAt, value }) => {
      const mine = own.get(name);
      return !isSame(publishedAt, mine?.publishedAt) || !isSame(value, mine?.value);
    })
    .map(({ name }) => name);
}

/**
 * Whether a notary whose own source says `ours` may sign a proposal. The proposal's roots are recomputed from its
 * bytes in any case. Then either its data are the notary's own, bit for bit, or each close and each feature lies
 * within the tolerance. Pure.
 * @param ours The notary's own snapshot of the same time, interval and assets.
 */
export function judgeProposal(
  proposal: Proposal,
  ours: Snapshot,
  featuresOf: (snapshot: Snapshot) => FeatureTable,
  tolerance: NotaryTolerance,
): Judgement {
  const { inputRoot, featuresRoot, snapshot } = proposal;
  const refuse = (
    what: Refusal["what"],
    theirs: unknown,
    own: unknown,
    detail: string,
    { asset = "", name = "" } = {},
  ): Refusal => ({ kind: "refused", what, asset, name, theirs: String(theirs), ours: String(own), detail });
  if (snapshot.root !== inputRoot)
    return refuse(
      "root",
      inputRoot,
      snapshot.root,
      `the snapshot's root is ${snapshot.root}, not ${inputRoot}`,
    );
  const theirs = featuresOf(snapshot);
  if (theirs.root !== featuresRoot) {
    const detail = `the snapshot's features have root ${theirs.root}, not ${featuresRoot}: other features, or another program`;
    return refuse("features-root", featuresRoot, theirs.root, detail);
  }
  if (ours.root === inputRoot) return { kind: "equal" };
  const [theirShape, ourShape] = [shapeOf(snapshot), shapeOf(ours)];
  if (theirShape !== ourShape)
    return refuse(
      "shape",
      theirShape,
      ourShape,
      `the proposal has ${theirShape}, and here there are ${ourShape}`,
    );

  const price = worstPrice(snapshot, ours);
  if (price !== undefined && !(price.by <= tolerance.priceBps)) {
    const detail =
      `the close of ${price.asset} at ${price.name} is ${price.theirs} there and ${price.ours} here: ` +
      `${price.by.toFixed(1)} bp apart, and at most ${tolerance.priceBps} are tolerated`;
    return refuse("price", price.theirs, price.ours, detail, price);
  }
  const feature = worstFeature(theirs, featuresOf(ours));
  if (feature !== undefined && !(feature.by <= tolerance.feature)) {
    const of = feature.asset === "" ? "the market" : feature.asset;
    const detail =
      `${feature.name} of ${of} is ${feature.theirs} there and ${feature.ours} here: ` +
      `${feature.by} apart, and at most ${tolerance.feature} (of 1024) are tolerated`;
    return refuse("feature", feature.theirs, feature.ours, detail, feature);
  }
  return {
    kind: "within",
    feature: feature?.by ?? 0,
    priceBps: price?.by ?? 0,
    notSame: unequalSeries(snapshot, ours),
  };
}
