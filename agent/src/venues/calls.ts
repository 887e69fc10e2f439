import { NodeError, read, revertData } from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { Interface, type JsonRpcApiProvider } from "ethers";
import { toRejection } from "./rejection.ts";

export const vaultInterface = new Interface(vaultAbi);
const symbolInterface = new Interface(["function symbol() view returns (string)"]);
/** Wrapped tokens that move one to one with a market's asset. */
const UNWRAPPED: Readonly<Record<string, string>> = { WETH: "ETH", WBTC: "BTC" };

export const lower = (address: string): Hex => address.toLowerCase() as Hex;

/** A call that may be refused. Throws VaultRejection or NodeError. */
export async function simulate(
  provider: JsonRpcApiProvider,
  tx: { from?: string; to: Hex; data: string },
): Promise<Hex> {
  try {
    return await provider.send("eth_call", [tx, "latest"]);
  } catch (error) {
    const data = revertData(error);
    if (data === undefined) throw new NodeError("simulating a call", error);
    throw toRejection(tx.to, data);
  }
}

export async function callVault(
  provider: JsonRpcApiProvider,
  vault: Hex,
  name: string,
  args: readonly unknown[] = [],
) {
  const data = await simulate(provider, { to: vault, data: vaultInterface.encodeFunctionData(name, args) });
  try {
    return vaultInterface.decodeFunctionResult(name, data);
  } catch {
    throw toRejection(vault, "0x");
  }
}

/** Unix seconds. */
export const fetchBlockTime = async (provider: JsonRpcApiProvider, block: string): Promise<bigint> =>
  BigInt((await read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", [block, false])).timestamp);

export async function fetchTicker(provider: JsonRpcApiProvider, token: string): Promise<string> {
  const data = await simulate(provider, {
    to: lower(token),
    data: symbolInterface.encodeFunctionData("symbol"),
  });
  const symbol: string = symbolInterface.decodeFunctionResult("symbol", data)[0].toUpperCase();
  return UNWRAPPED[symbol] ?? symbol;
}
