import { createRequire } from "node:module";

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
