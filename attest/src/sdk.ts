import { createRequire } from "node:module";
import type { EAS } from "@ethereum-attestation-service/eas-sdk";
import type { JsonRpcApiProvider, Signer } from "ethers";

type Sdk = typeof import("@ethereum-attestation-service/eas-sdk");
let loaded: Sdk | undefined;

/**
 * The EAS SDK as CommonJS: its ES module fails on a named import from lodash.
 * Loaded at first use, because that takes half a second which readers of hashes need not pay.
 */
export function easSdk(): Sdk {
  loaded ??= createRequire(import.meta.url)("@ethereum-attestation-service/eas-sdk") as Sdk;
  return loaded;
}

const contracts = new WeakMap<Signer | JsonRpcApiProvider, Map<string, EAS>>();

/** The SDK's EAS, made once for each runner and address: making one parses several ABIs, 15 ms and more. */
export function easContract(address: string, runner: Signer | JsonRpcApiProvider): EAS {
  const known = contracts.get(runner) ?? new Map<string, EAS>();
  contracts.set(runner, known);
  const eas = known.get(address) ?? new (easSdk().EAS)(address, { signer: runner });
  known.set(address, eas);
  return eas;
}
