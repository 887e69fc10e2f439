export {
  type Anvil,
  AnvilDiedError,
  AnvilMissingError,
  type AnvilOptions,
  AnvilPortBusyError,
  AnvilSilentError,
  DEV_MNEMONIC,
  startAnvil,
} from "./anvil.ts";
export {
  type Artifact,
  devBreachScoresArtifact,
  devFeedArtifact,
  devMarketArtifact,
  devNetworksArtifact,
  devTokenArtifact,
  rebalancerArtifact,
  uniswapV2VenueArtifact,
  uniswapV3VenueArtifact,
  vaultAbi,
  vaultArtifact,
  vaultLensArtifact,
} from "./artifacts.ts";
export {
  type Checkpoint,
  type Devnet,
  type DevnetAddresses,
  type DevnetKeys,
  type DevnetMoment,
  startDevnet,
} from "./devnet.ts";
export type { AaveAddresses } from "./devnet-aave.ts";
export {
  DEFAULT_SETTINGS,
  type DevnetAsset,
  type DevnetConfig,
  DevnetConfigError,
  type VaultSettings,
} from "./devnet-config.ts";
export type { DevnetListing } from "./devnet-parts.ts";
export { DevnetProvider, DevnetTimeError } from "./devnet-provider.ts";
export { DevnetError, DevnetRevertError, DevnetRpcError } from "./devnet-rpc.ts";
