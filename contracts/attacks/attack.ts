import type { VaultSettings } from "../src/devnet-config.ts";
import type { Attempt, Scene } from "./scene.ts";

/** How an attack ended. */
export interface Verdict {
  readonly isStopped: boolean;
  /** The error with its values, or what else stands in the way. */
  readonly stoppedBy: string;
  /** To the attacker; beside it what the vault lost, where it lost anything. */
  readonly cost: string;
}

export interface Attack {
  /** What the attacker tries, as the end of a sentence that begins with the attack's name. */
  readonly tries: string;
  /** Of the vault, where the attack needs others than the devnet's. */
  readonly settings?: Partial<VaultSettings>;
  run(scene: Scene): Promise<Verdict>;
}

export const toGas = (gas: bigint): string => `${gas.toLocaleString("en-US")} gas`;

export const toDollars = (amount: number): string =>
  `${amount < 0 ? "-" : ""}$${Math.abs(amount).toLocaleString("en-US", { maximumFractionDigits: 2 })}`;

/**
 * The verdict on transactions that must all be refused, each with its error.
 * @param before The vault's balances before the attack; they must be the same after it.
 */
export const refused = async (
  scene: Scene,
  before: string,
  attempts: readonly (readonly [expected: string, attempt: Attempt])[],
): Promise<Verdict> => {
  const isUntouched = (await scene.holdings()) === before;
  const isStopped = isUntouched && attempts.every(([expected, { error }]) => error === expected);
  const gas = attempts.reduce((sum, [, { gasUsed }]) => sum + gasUsed, 0n);
  const failed =
    attempts.length === 1 ? "the refused transaction" : `${attempts.length} refused transactions`;
  const stoppedBy = attempts.map(([, { refusal }]) => refusal || "nothing").join(", then ");
  return {
    isStopped,
    stoppedBy,
    cost: `${toGas(gas)} for ${failed}; ${isUntouched ? "the vault lost nothing" : "THE VAULT'S TOKENS MOVED"}`,
  };
};
