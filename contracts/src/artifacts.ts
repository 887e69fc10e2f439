import type { InterfaceAbi } from "ethers";
import devBreachScores from "./generated/DevBreachScores.json" with { type: "json" };
import devFeed from "./generated/DevFeed.json" with { type: "json" };
import devMarket from "./generated/DevMarket.json" with { type: "json" };
import devNetworks from "./generated/DevNetworks.json" with { type: "json" };
import devToken from "./generated/DevToken.json" with { type: "json" };
import rebalancer from "./generated/Rebalancer.json" with { type: "json" };
import uniswapV2Venue from "./generated/UniswapV2Venue.json" with { type: "json" };
import uniswapV3Venue from "./generated/UniswapV3Venue.json" with { type: "json" };
import vault from "./generated/Vault.json" with { type: "json" };
import vaultLens from "./generated/VaultLens.json" with { type: "json" };

/** A compiled contract as `build.ts` writes it. */
export interface Artifact {
  readonly contractName: string;
  readonly abi: InterfaceAbi;
  /** Creation code without constructor arguments, 0x-prefixed. */
  readonly bytecode: string;
}

export const vaultArtifact: Artifact = vault;
/** What a vault runs its rebalances from. */
export const rebalancerArtifact: Artifact = rebalancer;
/** What answers a vault's `state` and `guards`. */
export const vaultLensArtifact: Artifact = vaultLens;
export const uniswapV3VenueArtifact: Artifact = uniswapV3Venue;
export const uniswapV2VenueArtifact: Artifact = uniswapV2Venue;

/** Functions, events, and every error a call of the vault can be refused with: those of its parts included. */
export const vaultAbi: InterfaceAbi = [
  ...new Map(
    [
      ...vault.abi,
      ...[rebalancer, uniswapV3Venue, uniswapV2Venue].flatMap(({ abi }) =>
        abi.filter((item) => item.type === "error"),
      ),
    ].map((item) => [JSON.stringify(item), item]),
  ).values(),
];

/** Contracts of the local devnet. */
export const devTokenArtifact: Artifact = devToken;
export const devFeedArtifact: Artifact = devFeed;
export const devMarketArtifact: Artifact = devMarket;

/** Checks and runs integer networks outside a vault. */
export const devNetworksArtifact: Artifact = devNetworks;

/** Breach scores outside a vault. */
export const devBreachScoresArtifact: Artifact = devBreachScores;
