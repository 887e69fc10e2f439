import type { Hex } from "@ballast/data";

/** Route of the Uniswap v3 venue through one pool, by its fee tier in hundredths of a bip: three bytes. */
export const singleHop = (poolFee: number): Hex => `0x${poolFee.toString(16).padStart(6, "0")}`;
