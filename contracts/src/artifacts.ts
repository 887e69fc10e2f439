import type { InterfaceAbi } from "ethers";
import devBreachScores from "./generated/DevBreachScores.json" with { type: "json" };
import devFeed from "./generated/DevFeed.json" with { type: "json" };
import devMarket from "./generated/DevMarket.json" with { type: "json" };
import devNetworks from "./generated/DevNetworks.json" with { type: "json" };
import devToken from "./generated/DevToken.json" with { type: "json" };
import vault from "./generated/Vault.json" with { type: "json" };

/** A compiled contract as `build.ts` writes it. */
export interface Artifact {
  readonly contractName: string;
  readonly abi: InterfaceAbi;
  /** Creation code without constructor arguments, 0x-prefixed. */
  readonly bytecode: string;
}

export const vaultArtifact: Artifact = vault;
/** Functions, events, and every error a rebalance can be refused with. */
export const vaultAbi: InterfaceAbi = vault.abi;

/** Contracts of the local devnet. */
export const devTokenArtifact: Artifact = devToken;
export const devFeedArtifact: Artifact = devFeed;
export const devMarketArtifact: Artifact = devMarket;

/** Checks and runs integer networks outside a vault. */
export const devNetworksArtifact: Artifact = devNetworks;

/** Breach scores outside a vault. */
export const devBreachScoresArtifact: Artifact = devBreachScores;
