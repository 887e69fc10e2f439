import { BallastError, type Hex } from "@ballast/data";
import { Interface, isError, type JsonRpcApiProvider, type Signer } from "ethers";
import { assertEasVersion } from "./eas-version.ts";
import { DECISION_SCHEMA_UID, schemaUid, ZERO_ADDRESS, ZERO_BYTES32 } from "./encoding.ts";
import { NodeError, read, revertData, rpcOf } from "./node.ts";
import { ALL_SCHEMAS } from "./schemas.ts";
import { easContract, easSdk } from "./sdk.ts";
import type { EasDomain } from "./sign.ts";
import { type SubmitOptions, submit } from "./submit.ts";

/** An attestation as EAS keeps it on chain; times in Unix seconds, 0 for never. Addresses in lower case. */
export interface OnchainAttestation {
  readonly uid: Hex;
  readonly schema: Hex;
  readonly refUID: Hex;
  readonly time: bigint;
  readonly expirationTime: bigint;
  readonly revocationTime: bigint;
  readonly recipient: Hex;
  readonly attester: Hex;
  readonly revocable: boolean;
  readonly data: Hex;
}

export class EasNotFoundError extends BallastError {
  readonly code = "EAS_NOT_FOUND";
  readonly address: Hex;
  constructor(address: Hex) {
    super(`there is no EAS contract at ${address}; take this chain's address from docs.attest.org`);
    this.address = address;
  }
}

export class SchemaNotFoundError extends BallastError {
  readonly code = "SCHEMA_NOT_FOUND";
  readonly schemaUid: Hex;
  readonly registry: Hex;
  constructor(schemaUid: Hex, registry: Hex) {
    super(`schema ${schemaUid} is not registered at ${registry}; register it there first`);
    this.schemaUid = schemaUid;
    this.registry = registry;
  }
}

export class AttestationNotFoundError extends BallastError {
  readonly code = "ATTESTATION_NOT_FOUND";
  readonly uid: string;
  constructor(uid: string, easAddress: Hex) {
    super(
      `EAS at ${easAddress} knows no attestation ${JSON.stringify(uid.slice(0, 80))}; check the UID and the chain`,
    );
    this.uid = uid;
  }
}

/** Makes a failed contract read a NodeError, and leaves typed errors alone. */
export async function reading<T>(doing: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof BallastError ? error : new NodeError(doing, error);
  }
}

const isContract = async (provider: JsonRpcApiProvider, address: Hex): Promise<boolean> =>
  (await read<string>(provider, "eth_getCode", [address, "latest"])) !== "0x";

const versions = new Interface([
  "function version() view returns (string)",
  "function VERSION() view returns (string)",
]);

/**
 * `EAS.version()`, e.g. `1.4.0`, or where there is none the `VERSION` of the first EAS. Says nothing of whether that
 * version can be used: see `assertEasVersion`. Throws EasNotFoundError where no such contract answers, or NodeError.
 */
export async function fetchEasVersion(provider: JsonRpcApiProvider, easAddress: Hex): Promise<string> {
  if (!(await isContract(provider, easAddress))) throw new EasNotFoundError(easAddress);
  for (const name of ["version", "VERSION"] as const) {
    try {
      const call = { to: easAddress, data: versions.encodeFunctionData(name) };
      const data: string = await provider.send("eth_call", [call, "latest"]);
      return versions.decodeFunctionResult(name, data)[0];
    } catch (error) {
      // A revert, or an answer that is no text: no such function.
      if (revertData(error) === undefined && !isError(error, "BAD_DATA") && !isError(error, "BUFFER_OVERRUN"))
        throw new NodeError("reading EAS", error);
    }
  }
  throw new EasNotFoundError(easAddress);
}

/**
 * What signing and attesting need to know of an EAS contract, read from it.
 * Throws EasNotFoundError, EasVersionError, SchemaNotFoundError or NodeError.
 */
export async function fetchEasDomain(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  schema: Hex = DECISION_SCHEMA_UID,
): Promise<EasDomain> {
  const { SchemaRegistry } = easSdk();
  const easVersion = await fetchEasVersion(provider, easAddress);
  assertEasVersion(easVersion, easAddress);
  const { contract } = easContract(easAddress, provider);
  const registry = (await reading("reading EAS", contract.getSchemaRegistry())) as Hex;
  const schemas = new SchemaRegistry(registry, { signer: provider });
  const { uid } = await reading("reading a schema", schemas.contract.getSchema(schema));
  if (uid !== schema) throw new SchemaNotFoundError(schema, registry);
  const chainId = BigInt(await read<string>(provider, "eth_chainId", []));
  return { chainId, easAddress, easVersion, schemaUid: schema };
}

/**
 * Registers those of the schemas that are not registered yet, revocable and without a resolver. Returns their UIDs.
 * Throws SchemaNotFoundError where there is no registry, and whatever `submit` throws.
 */
export async function registerSchemas(
  signer: Signer,
  registry: Hex,
  schemas: readonly string[] = ALL_SCHEMAS,
  options?: SubmitOptions,
): Promise<Hex[]> {
  const { SchemaRegistry } = easSdk();
  const contract = new SchemaRegistry(registry, { signer });
  if (!(await isContract(rpcOf(signer), registry)))
    throw new SchemaNotFoundError(DECISION_SCHEMA_UID, registry);
  const uids: Hex[] = [];
  for (const schema of schemas) {
    const expected = schemaUid(schema, ZERO_ADDRESS, true);
    uids.push(expected);
    const { uid } = await reading("reading a schema", contract.contract.getSchema(expected));
    if (uid === expected) continue;
    const { data } = await contract.register({ schema, resolverAddress: ZERO_ADDRESS, revocable: true });
    await submit(signer, { to: registry, data: data.data }, options);
  }
  return uids;
}

/** Reads an attestation. Throws AttestationNotFoundError for a malformed or unknown UID, NodeError. */
export async function fetchAttestation(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  uid: string,
): Promise<OnchainAttestation> {
  if (!/^0x[0-9a-fA-F]{64}$/.test(uid)) throw new AttestationNotFoundError(uid, easAddress);
  if (!(await isContract(provider, easAddress))) throw new EasNotFoundError(easAddress);
  const found = await reading(
    "reading an attestation",
    easContract(easAddress, provider).getAttestation(uid),
  );
  if (found.uid === ZERO_BYTES32) throw new AttestationNotFoundError(uid, easAddress);
  return {
    uid: found.uid as Hex,
    schema: found.schema as Hex,
    refUID: found.refUID as Hex,
    time: found.time,
    expirationTime: found.expirationTime,
    revocationTime: found.revocationTime,
    recipient: found.recipient.toLowerCase() as Hex,
    attester: found.attester.toLowerCase() as Hex,
    revocable: found.revocable,
    data: found.data as Hex,
  };
}

/** When the attester revoked an off-chain attestation, Unix seconds; 0 for never. Throws NodeError. */
export async function fetchOffchainRevocation(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  attester: Hex,
  offchainUid: Hex,
): Promise<bigint> {
  const eas = easContract(easAddress, provider);
  return reading("reading a revocation", eas.getRevocationOffchain(attester, offchainUid));
}
