import { BallastError, type Hex } from "@ballast/data";

export class VaultNotFoundError extends BallastError {
  readonly code = "VAULT_NOT_FOUND";
  readonly vault: Hex;
  readonly chainId: bigint;
  constructor(vault: Hex, chainId: bigint) {
    super(`there is no vault at ${vault} on chain ${chainId}; check the address and the RPC endpoint`);
    this.vault = vault;
    this.chainId = chainId;
  }
}

/** The vault is set up for something else than the agent is. */
export class VaultMismatchError extends BallastError {
  readonly code = "VAULT_MISMATCH";
  readonly what: string;
  readonly ofVault: string;
  readonly ofAgent: string;
  constructor(what: string, ofVault: string, ofAgent: string) {
    super(`the vault's ${what} is ${ofVault} and the agent's is ${ofAgent}; set the agent's to the vault's`);
    this.what = what;
    this.ofVault = ofVault;
    this.ofAgent = ofAgent;
  }
}

export class VenueNotAllowedError extends BallastError {
  readonly code = "VENUE_NOT_ALLOWED";
  readonly venue: Hex;
  readonly vault: Hex;
  constructor(venue: Hex, vault: Hex) {
    super(
      `vault ${vault} does not trade at ${venue}; its owner can allow it with setVenue, or give another venue`,
    );
    this.venue = venue;
    this.vault = vault;
  }
}

export class EtherPriceMissingError extends BallastError {
  readonly code = "ETHER_PRICE_MISSING";
  readonly assets: readonly string[];
  constructor(assets: readonly string[]) {
    super(
      `the vault holds ${assets.join(", ")} and so knows no price of ETH, which gas is paid in; give a source for it`,
    );
    this.assets = assets;
  }
}
