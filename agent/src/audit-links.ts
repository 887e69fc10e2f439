import type { Evidence, FeatureTable, NotaryTolerance } from "@ballast/attest";
import { BallastError, type Hex, type Snapshot } from "@ballast/data";
import type { Forecaster } from "@ballast/model";
import type { VaultScorer } from "./types.ts";

/** One link of the chain of evidence. */
export interface Link {
  readonly name: string;
  readonly status: "pass" | "fail" | "not checked";
  /** One sentence with the values; what is wrong, or what to give so that it can be checked. */
  readonly detail: string;
}

/** What one's own bars are over the span of a training. */
export type Training =
  /** `isOther` where they are from another source than the decision's market, and so need not be the same bits. */
  | { readonly root: Hex; readonly isOther: boolean }
  /** Why they are not the whole of it. */
  | { readonly problem: string };

/** Public data a stranger has got hold of. What is absent leaves its links unchecked. */
export interface AuditMaterial {
  readonly evidence: Evidence;
  /** The market as the decision saw it. */
  readonly snapshot?: Snapshot | undefined;
  /** The same bars from one's own source, where `snapshot` came with the evidence. */
  readonly ownSnapshot?: Snapshot | undefined;
  readonly tolerance: NotaryTolerance;
  /** Bytes of the breach network, from a store or from the chain. */
  readonly network?: Uint8Array | undefined;
  /** The forecaster that the model's attestation names, and its id. */
  readonly forecaster?: { readonly id: Hex; readonly run: Forecaster } | undefined;
  /** Manifests of models in one's own store, as their bytes; absent where no store was given. */
  readonly manifests?: readonly Uint8Array[] | undefined;
  /** The training's data set, read again from one's own bars; absent where no bars were given. */
  readonly training?: Training | undefined;
  /** The vault's notaries and how many of them it wants; asked of the vault. */
  readonly notaries?: { readonly isKnown: (address: Hex) => boolean; readonly threshold: number } | undefined;
}

/** What the model room knows of features and networks. */
export interface FeatureKit {
  table(snapshot: Snapshot): FeatureTable;
  /** Of the asset of a holding; the first is the base asset, whose row is the market's. */
  prove(
    snapshot: Snapshot,
    asset: string | undefined,
  ): { readonly featuresRoot: Hex; readonly features: Hex; readonly path: readonly Hex[] };
  /** Whether a proof leads from the features of an asset to the root. */
  isProof(
    proof: { readonly featuresRoot: Hex; readonly features: Hex; readonly path: readonly Hex[] },
    asset: string | undefined,
  ): boolean;
  /** Throws BadNetworkError. */
  scorer(bytes: Uint8Array): VaultScorer;
}

export const pass = (name: string, detail: string): Link => ({ name, status: "pass", detail });
export const fail = (name: string, detail: string): Link => ({ name, status: "fail", detail });
export const open = (name: string, detail: string): Link => ({ name, status: "not checked", detail });
export const equal = (name: string, what: string, found: unknown, expected: unknown): Link =>
  found === expected
    ? pass(name, `${what} is ${expected}`)
    : fail(name, `${what} is ${found}, and the decision has ${expected}`);

/** What it throws as a failed link, because bad evidence is a finding here and not an error. */
export function attempt(name: string, work: () => Link[]): Link[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof BallastError) return [fail(name, error.message)];
    throw error;
  }
}

export const GIVE_MARKET = "give --bars, --exchange or --snapshot with the market it was made from";
