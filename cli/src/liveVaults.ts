import { setTimeout as sleep } from "node:timers/promises";
import { toVaultBooks } from "@ballast/agent";
import type { LiveVault, Vaults } from "@ballast/api";
import type { DecisionWithTrades } from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { type Hex, unixMillis, WrongChainError } from "@ballast/data";
import { Contract, decodeBytes32String, type JsonRpcProvider } from "ethers";
import { connect, NoVaultError, RpcSilentError } from "./chain.ts";

/** What a node may take before the vault is shown as its last decision knew it. */
const PATIENCE_MS = 5_000;
/**
 * Vaults as their chain has them, through the vault's own lens. The node is first asked when a vault is.
 * Errors of `read`: RpcSilentError, WrongChainError, NoVaultError.
 */
export function openLiveVaults(rpc: string): Vaults & { close(): void } {
  let provider: JsonRpcProvider | undefined;
  return {
    async read(vault, assets, decided) {
      const { chainId } = decided.decision;
      provider ??= await connect(rpc, chainId);
      const found = (await provider.getNetwork()).chainId;
      if (found !== chainId) throw new WrongChainError(chainId, found);
      return withinTime(rpc, readVault(provider, vault, assets, decided));
    },
    close: () => provider?.destroy(),
  };
}

/** Error: RpcSilentError. */
async function withinTime<T>(rpc: string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  const late = sleep(PATIENCE_MS, undefined, { signal }).then(() => {
    throw new RpcSilentError(rpc, { code: "TIMEOUT" });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    over.abort();
  }
}

async function readVault(
  provider: JsonRpcProvider,
  vault: Hex,
  assets: readonly string[],
  { decision, trades }: DecisionWithTrades,
): Promise<LiveVault> {
  const block = await provider.getBlock("latest");
  const contract = new Contract(vault, vaultAbi, provider);
  const at = { blockTag: block!.number };
  const raw = await contract
    .getFunction("state")
    .staticCall(at)
    .catch(async () => {
      throw new NoVaultError(vault, (await provider.getNetwork()).chainId);
    });
  // A decision over tokens that the vault no longer holds has no guards: the lens refuses it.
  const guards = await contract
    .getFunction("guards")
    .staticCall(decision, trades, at)
    .catch(() => undefined);
  return {
    at: unixMillis(block!.timestamp * 1000),
    block: block!.number,
    state: toVaultBooks(raw, assets),
    guards:
      guards === undefined
        ? null
        : [...guards].map(({ name, index, limit, value, isBinding }) => ({
            name: decodeBytes32String(name),
            index: Number(index),
            limit,
            value,
            isBinding,
          })),
  };
}
