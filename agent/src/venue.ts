import type { DecisionWithTrades } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import type { Execution, VaultState } from "./types.ts";

/** A decision as a venue needs it. */
export interface Executable extends DecisionWithTrades {
  readonly hash: Hex;
}

/** Where decisions are carried out. */
export interface Venue {
  readState(): Promise<VaultState>;
  /** Puts the attestation on chain, or finds the equal one that is already there (then `gasUsed` is 0). */
  attest(decided: Executable): Promise<{ readonly uid: Hex; readonly gasUsed: bigint }>;
  /**
   * Has the vault execute it, or finds that it has, whoever asked for it; `onSubmitted` is called with the
   * transaction's hash before the receipt is awaited. Throws a `VaultRejection` where the vault refuses.
   */
  execute(decided: Executable, uid: Hex, onSubmitted: (txHash: Hex) => void): Promise<Execution>;
  /** The execution of this very decision, where the chain already has it. */
  findExecution(decided: Executable): Promise<Execution | undefined>;
}
