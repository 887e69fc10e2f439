import type { Hex } from "@ballast/data";
import { solidityPackedKeccak256, verifyTypedData } from "ethers";
import { ZERO_ADDRESS } from "./encoding.ts";
import { parseJson, toBoolean, toHex, toLiteral, toRecord, toSmallUint, toText, toUint } from "./json.ts";

/** EIP-712 types of an off-chain EAS attestation, version 2. Source: eas-sdk, `OFFCHAIN_ATTESTATION_TYPES`. */
export const OFFCHAIN_TYPES = {
  Attest: [
    { name: "version", type: "uint16" },
    { name: "schema", type: "bytes32" },
    { name: "recipient", type: "address" },
    { name: "time", type: "uint64" },
    { name: "expirationTime", type: "uint64" },
    { name: "revocable", type: "bool" },
    { name: "refUID", type: "bytes32" },
    { name: "data", type: "bytes" },
    { name: "salt", type: "bytes32" },
  ],
};

/** An off-chain EAS attestation of version 2; hexadecimal in lower case, times in Unix seconds. */
export interface OffchainAttestation {
  /** Who says to have signed it. */
  readonly signer: Hex;
  readonly uid: Hex;
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: bigint;
    readonly verifyingContract: Hex;
  };
  readonly message: {
    readonly version: 2;
    readonly schema: Hex;
    readonly recipient: Hex;
    readonly time: bigint;
    readonly expirationTime: bigint;
    readonly revocable: boolean;
    readonly refUID: Hex;
    readonly data: Hex;
    readonly salt: Hex;
  };
  readonly signature: { readonly v: number; readonly r: Hex; readonly s: Hex };
}

/**
 * Reads `{signer, sig}`, the JSON of easscan.org, as text or already parsed. Accepts version 2 only, and no
 * unknown or missing key, so that nothing unsigned can travel along. Throws MalformedJsonError.
 */
export function toOffchainAttestation(json: unknown): OffchainAttestation {
  const root = toRecord(typeof json === "string" ? parseJson(json) : json, "", ["signer", "sig"]);
  const keys = ["version", "uid", "domain", "primaryType", "message", "types", "signature"];
  const sig = toRecord(root.sig, "sig", keys);
  toLiteral(sig.version, "sig.version", 2);
  toLiteral(sig.primaryType, "sig.primaryType", "Attest");
  toLiteral(sig.types, "sig.types", OFFCHAIN_TYPES);
  const domain = toRecord(sig.domain, "sig.domain", ["name", "version", "chainId", "verifyingContract"]);
  const message = toRecord(
    sig.message,
    "sig.message",
    OFFCHAIN_TYPES.Attest.map(({ name }) => name),
  );
  const signature = toRecord(sig.signature, "sig.signature", ["v", "r", "s"]);
  return {
    signer: toHex(root.signer, "signer", 20),
    uid: toHex(sig.uid, "sig.uid", 32),
    domain: {
      name: toText(domain.name, "sig.domain.name"),
      version: toText(domain.version, "sig.domain.version"),
      chainId: toUint(domain.chainId, "sig.domain.chainId"),
      verifyingContract: toHex(domain.verifyingContract, "sig.domain.verifyingContract", 20),
    },
    message: {
      version: toLiteral(message.version, "sig.message.version", 2),
      schema: toHex(message.schema, "sig.message.schema", 32),
      recipient: toHex(message.recipient, "sig.message.recipient", 20),
      time: toUint(message.time, "sig.message.time"),
      expirationTime: toUint(message.expirationTime, "sig.message.expirationTime"),
      revocable: toBoolean(message.revocable, "sig.message.revocable"),
      refUID: toHex(message.refUID, "sig.message.refUID", 32),
      data: toHex(message.data, "sig.message.data"),
      salt: toHex(message.salt, "sig.message.salt", 32),
    },
    signature: {
      v: toSmallUint(signature.v, "sig.signature.v"),
      r: toHex(signature.r, "sig.signature.r", 32),
      s: toHex(signature.s, "sig.signature.s", 32),
    },
  };
}

/** UID that EAS gives an off-chain attestation of version 2. Source: eas-sdk, `Offchain.getOffchainUID`. */
export function offchainUid({ message: m }: Pick<OffchainAttestation, "message">): Hex {
  // EAS packs the schema's hexadecimal text, not its 32 bytes; the attester is unknown and the bump zero.
  const schemaText = Buffer.from(m.schema, "utf8");
  return solidityPackedKeccak256(
    "uint16 bytes address address uint64 uint64 bool bytes32 bytes bytes32 uint32".split(" "),
    [
      2,
      schemaText,
      m.recipient,
      ZERO_ADDRESS,
      m.time,
      m.expirationTime,
      m.revocable,
      m.refUID,
      m.data,
      m.salt,
      0,
    ],
  ) as Hex;
}

/** Address whose key made the signature, lower case; undefined where no key can have made it. */
export function recoverSigner({ domain, message, signature }: OffchainAttestation): Hex | undefined {
  try {
    return verifyTypedData(domain, OFFCHAIN_TYPES, message, signature).toLowerCase() as Hex;
  } catch {
    return undefined;
  }
}
