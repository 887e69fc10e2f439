import { BallastError, type Hex } from "@ballast/data";
import { Signature, type Signer, verifyTypedData } from "ethers";

/** What a notary signs: this snapshot, at this time, has these features. It names no chain, for the market has none. */
export interface MarketStatement {
  /** `Snapshot.root`. */
  readonly inputRoot: Hex;
  /** Root of the tree of all assets' integer features. */
  readonly featuresRoot: Hex;
  /** Bar close, Unix seconds: the decision's `decidedAt`. */
  readonly at: bigint;
}

/** EIP-712 domain and type of a statement. The vault has the same. */
export const NOTARY_DOMAIN = { name: "Ballast Notary", version: "1" };
export const STATEMENT_TYPES = {
  MarketStatement: [
    { name: "inputRoot", type: "bytes32" },
    { name: "featuresRoot", type: "bytes32" },
    { name: "at", type: "uint64" },
  ],
};

/** Fewer known notaries signed than are wanted. */
export class NotariesMissingError extends BallastError {
  readonly code = "NOTARIES_MISSING";
  readonly signed: readonly Hex[];
  readonly wanted: number;
  constructor(signed: readonly Hex[], wanted: number) {
    super(
      `${signed.length} of the known notaries signed and ${wanted} are wanted; ask more of them, or look why the others refuse`,
    );
    this.signed = signed;
    this.wanted = wanted;
  }
}

/** 65 bytes r, s, v. */
export const signStatement = async (statement: MarketStatement, signer: Signer): Promise<Hex> =>
  (await signer.signTypedData(NOTARY_DOMAIN, STATEMENT_TYPES, statement)) as Hex;

/** Who signed a statement, in lower case; undefined where nobody can have, or the vault would not take the form. */
export function recoverNotary(statement: MarketStatement, signature: string): Hex | undefined {
  try {
    const canonical = Signature.from(signature).serialized;
    // Compact, high-s and other shapes of the same signature are refused by the vault.
    if (canonical !== signature.toLowerCase()) return undefined;
    return verifyTypedData(NOTARY_DOMAIN, STATEMENT_TYPES, statement, canonical).toLowerCase() as Hex;
  } catch {
    return undefined;
  }
}

/**
 * The first `threshold` signatures of known notaries as the vault takes them: one after another, signers strictly
 * ascending. Of no statement at all where `threshold` is 0. Throws NotariesMissingError.
 */
export function packSignatures(
  statement: MarketStatement,
  signatures: readonly string[],
  notaries: readonly Hex[],
  threshold: number,
): Hex {
  const known = new Set(notaries.map((notary) => notary.toLowerCase()));
  const bySigner = new Map<Hex, string>();
  for (const signature of signatures) {
    const signer = recoverNotary(statement, signature);
    if (signer !== undefined && known.has(signer)) bySigner.set(signer, signature);
  }
  const signers = [...bySigner.keys()].sort().slice(0, threshold);
  if (signers.length < threshold) throw new NotariesMissingError(signers, threshold);
  return `0x${signers.map((signer) => bySigner.get(signer)!.slice(2).toLowerCase()).join("")}`;
}

/** Signers of packed signatures, in their order; a signature of nobody is undefined. */
export function recoverNotaries(statement: MarketStatement, packed: Hex): (Hex | undefined)[] {
  const digits = packed.slice(2);
  return Array.from({ length: Math.ceil(digits.length / 130) }, (_, i) =>
    recoverNotary(statement, `0x${digits.slice(130 * i, 130 * i + 130)}`),
  );
}
