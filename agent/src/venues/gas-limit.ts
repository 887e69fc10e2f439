import { toWadDown } from "@ballast/data";
import type { Reasons } from "../types.ts";

const WAD_PER_GWEI = 10n ** 9n;

/**
 * The most that a decision's transactions may pay, wei per gas: what its policy says it is worth (`highestGasGwei`) or
 * the operator's limit, whichever is less; undefined where there is neither. A price that is no number allows nothing.
 */
export function toGasLimit(numbers: Reasons | undefined, operatorLimit?: bigint): bigint | undefined {
  const gwei = numbers?.highestGasGwei;
  if (gwei === undefined || gwei === Number.POSITIVE_INFINITY) return operatorLimit;
  const worth = gwei > 0 ? toWadDown(gwei) / WAD_PER_GWEI : 0n;
  return operatorLimit !== undefined && operatorLimit < worth ? operatorLimit : worth;
}
