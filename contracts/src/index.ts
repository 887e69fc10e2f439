export {
  type Artifact,
  devFeedArtifact,
  devMarketArtifact,
  devTokenArtifact,
  vaultAbi,
  vaultArtifact,
} from "./artifacts.ts";
