import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex } from "@ballast/data";
import { Interface } from "ethers";
import { EXPLANATIONS, type Values } from "./explanations.ts";

/** The vault refused a decision, whole; no token moved. */
export class VaultRejection extends BallastError {
  readonly code = "VAULT_REJECTION";
  /** Name of the contract's error: `WrongSequence`; `Unknown` where the revert data name none. */
  readonly reason: string;
  /** Arguments of the contract's error by name. */
  readonly values: Values;
  readonly vault: Hex;
  constructor(vault: Hex, reason: string, values: Values) {
    super(explain(reason, values));
    this.vault = vault;
    this.reason = reason;
    this.values = values;
  }
}

const vaultInterface = new Interface(vaultAbi);

/** Solidity's own errors, whose arguments ethers leaves without names. */
const BUILT_IN: Readonly<Record<string, string>> = { Error: "message", Panic: "code" };

/** Reads revert data with the vault's own errors. */
export function toRejection(vault: Hex, data: Hex): VaultRejection {
  try {
    const error = vaultInterface.parseError(data);
    if (error !== null) {
      const entries = error.fragment.inputs.map(({ name }, i) => [
        name || BUILT_IN[error.name],
        error.args[i],
      ]);
      return new VaultRejection(vault, error.name, Object.fromEntries(entries));
    }
  } catch {
    // Too short for a selector, or for the arguments the selector promises.
  }
  return new VaultRejection(vault, "Unknown", { data });
}

function explain(reason: string, values: Values): string {
  const explanation = EXPLANATIONS[reason];
  if (explanation === undefined) {
    return `the vault reverted with ${values.data ?? reason}, which it does not define; check that the address is a vault of this version`;
  }
  return `the vault refused (${reason}): ${explanation(values)}`;
}
