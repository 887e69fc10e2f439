import { type Hex, type Snapshot, snapshotBytes, snapshotFromBytes, unixMillis } from "@ballast/data";
import {
  MalformedJsonError,
  parseJson,
  toArray,
  toHex,
  toLiteral,
  toRecord,
  toSmallUint,
  toText,
} from "./json.ts";
import type { MarketStatement } from "./statement.ts";

const FORMAT = "ballast-proposal/1";

/** A market that a notary is asked to sign: what it is said to be, and the snapshot itself. */
export interface Proposal {
  readonly inputRoot: Hex;
  readonly featuresRoot: Hex;
  readonly snapshot: Snapshot;
}

/** A proposal as JSON. */
export interface ProposalFile {
  readonly format: typeof FORMAT;
  readonly inputRoot: Hex;
  readonly featuresRoot: Hex;
  /** Bar close, Unix ms. */
  readonly at: number;
  readonly intervalMs: number;
  readonly assets: readonly string[];
  /** Canonical bytes of the snapshot, base64. */
  readonly snapshot: string;
}

export const toProposalFile = ({ inputRoot, featuresRoot, snapshot }: Proposal): ProposalFile => ({
  format: FORMAT,
  inputRoot,
  featuresRoot,
  at: snapshot.at,
  intervalMs: snapshot.intervalMs,
  assets: snapshot.assets,
  snapshot: Buffer.from(snapshotBytes(snapshot)).toString("base64"),
});

/**
 * Reads a proposal, as text or already parsed. Says nothing yet of its truth: see `judgeProposal`.
 * Throws MalformedJsonError naming the place, or MalformedSnapshotError.
 */
export function readProposal(json: unknown): Proposal {
  const keys = ["format", "inputRoot", "featuresRoot", "at", "intervalMs", "assets", "snapshot"];
  const file = toRecord(typeof json === "string" ? parseJson(json) : json, "", keys);
  toLiteral(file.format, "format", FORMAT);
  const base64 = toText(file.snapshot, "snapshot");
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") !== base64) throw new MalformedJsonError("snapshot", base64, "base64");
  const snapshot = snapshotFromBytes(bytes);
  // Said beside the bytes for a reader's sake; they must not say two things.
  toLiteral(unixMillis(toSmallUint(file.at, "at")), "at", snapshot.at);
  toLiteral(toSmallUint(file.intervalMs, "intervalMs"), "intervalMs", snapshot.intervalMs);
  toLiteral(toArray(file.assets, "assets"), "assets", snapshot.assets);
  return {
    inputRoot: toHex(file.inputRoot, "inputRoot", 32),
    featuresRoot: toHex(file.featuresRoot, "featuresRoot", 32),
    snapshot,
  };
}

/** What signing a proposal states. */
export const statementOf = ({ inputRoot, featuresRoot, snapshot }: Proposal): MarketStatement => ({
  inputRoot,
  featuresRoot,
  at: BigInt(Math.floor(snapshot.at / 1000)),
});
