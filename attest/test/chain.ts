import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@ballast/data";
import { ContractFactory, JsonRpcProvider, Wallet, HDNodeWallet } from "ethers";

const require = createRequire(import.meta.url);

/** A real anvil with the real EAS and SchemaRegistry, and funded keys. */
export interface Chain {
  readonly provider: JsonRpcProvider;
  readonly registry: Hex;
  readonly easAddress: Hex;
  /** Funded: 0 deployed the contracts, the others are free. */
  key(index: number): HDNodeWallet;
  stop(): Promise<void>;
}
