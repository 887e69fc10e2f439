import { type EasDomain, fetchEasDomain } from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { BallastError, evmProvider, type Hex, WrongChainError } from "@ballast/data";
import { Contract, type JsonRpcProvider } from "ethers";

export class RpcSilentError extends BallastError {
  readonly code = "RPC_UNREACHABLE";
  readonly host: string;
  constructor(rpc: string, cause: unknown) {
    // The rest of the URL may hold a key.
    const host = URL.parse(rpc)?.host || "the node";
    super(
      `${host} does not answer (${(cause as { code?: string }).code ?? "no answer"}). Check --rpc and the network.`,
    );
    this.host = host;
  }
}

export class NoVaultError extends BallastError {
  readonly code = "VAULT_NOT_FOUND";
  readonly vault: Hex;
  readonly chainId: bigint;
  constructor(vault: Hex, chainId: bigint) {
    super(`There is no vault at ${vault} on chain ${chainId}. Check --vault and --rpc.`);
    this.vault = vault;
    this.chainId = chainId;
  }
}

/**
 * A connection to a node, whose chain is asked for once and checked.
 * @param chain Any where absent.
 * @throws RpcSilentError, WrongChainError
 */
export async function connect(rpc: string, chain?: bigint): Promise<JsonRpcProvider> {
  const found = await fetchChainId(rpc);
  if (chain !== undefined && chain !== found) throw new WrongChainError(chain, found);
  return evmProvider(rpc, found);
}

async function fetchChainId(rpc: string): Promise<bigint> {
  const node = evmProvider(rpc, 1);
  try {
    return BigInt(await node.send("eth_chainId", []));
  } catch (error) {
    throw new RpcSilentError(rpc, error);
  } finally {
    node.destroy();
  }
}

/** The EAS and schema that a vault takes decisions under, as the vault itself says. @throws NoVaultError */
export async function fetchVaultDomain(provider: JsonRpcProvider, vault: Hex): Promise<EasDomain> {
  const contract = new Contract(vault, vaultAbi, provider);
  const [eas, schema] = await Promise.all(
    ["eas", "decisionSchema"].map((name) => contract.getFunction(name).staticCall()),
  ).catch(async () => {
    throw new NoVaultError(vault, (await provider.getNetwork()).chainId);
  });
  return fetchEasDomain(provider, eas, schema);
}
