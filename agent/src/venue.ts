import type { DecisionWithTrades, MarketEvidence } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import type { Execution, Reasons, VaultState } from "./types.ts";

/** A signed decision as a venue needs it. */
export interface Executable extends DecisionWithTrades {
  readonly hash: Hex;
  /** The off-chain attestation as JSON text; it also says which model's attestation the decision refers to. */
  readonly offchainAttestation: string | undefined;
  /** What the vault must see of the market; absent where a weight is outside its band. */
  readonly market?: MarketEvidence | undefined;
  /** Of the policy. Where they have a `highestGasGwei`, no transaction of the decision pays more per gas than that. */
  readonly numbers?: Reasons | undefined;
}

/** Where decisions are carried out. */
export interface Venue {
  readState(): Promise<VaultState>;
  /**
   * Puts the attestation on chain, or finds the equal one that is already there (then `gasUsed` is 0). Undefined
   * where the vault is given the off-chain attestation instead.
   */
  attest(decided: Executable): Promise<{ readonly uid: Hex; readonly gasUsed: bigint } | undefined>;
  /**
   * Has the vault execute it, or finds that it has, whoever asked for it; `onSubmitted` is called with the
   * transaction's hash before the receipt is awaited. Throws a `VaultRejection` where the vault refuses.
   * @param uid Of the attestation on chain; the off-chain one is given where absent.
   */
  execute(decided: Executable, uid: Hex | undefined, onSubmitted: (txHash: Hex) => void): Promise<Execution>;
  /**
   * Takes out of the way a transaction of a decision that has expired, should it still be pending. Absent where nothing
   * stays pending.
   */
  cancel?(txHash: Hex): Promise<void>;
  /** The execution of this very decision, where the chain already has it. */
  findExecution(decided: Executable): Promise<Execution | undefined>;
}
