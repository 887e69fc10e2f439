/** Decisions and what is signed about them, by hand: this room may not import the attest room, which does it for agents. */
import {
  AbiCoder,
  concat,
  encodeBytes32String,
  Interface,
  type InterfaceAbi,
  keccak256,
  solidityPackedKeccak256,
  type TypedDataField,
  toBeHex,
  type Wallet,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { vaultAbi } from "../src/index.ts";

/** The vault refuses any other. */
export const DECISION_SCHEMA =
  "uint256 chainId,address vault,uint64 sequence,uint8 action,uint8 reason,uint64 decidedAt,uint64 expiresAt," +
  "bytes32 inputRoot,bytes32 stateHash,bytes32 modelId,bytes32 forecastHash,bytes32 policyId,uint32 breachPpm," +
  "uint8 holding,bytes32 tradesHash";

export interface Trade {
  readonly venue: string;
  readonly tokenIn: string;
  readonly tokenOut: string;
  readonly amountIn: bigint;
  readonly minAmountOut: bigint;
  readonly route: string;
}

/** Field by field as `struct Decision` of `sol/Types.sol`. */
export interface Decision {
  readonly chainId: bigint;
  readonly vault: string;
  readonly sequence: bigint;
  readonly action: number;
  readonly reason: number;
  readonly decidedAt: number;
  readonly expiresAt: number;
  readonly inputRoot: string;
  readonly stateHash: string;
  readonly modelId: string;
  readonly forecastHash: string;
  readonly policyId: string;
  readonly breachPpm: number;
  readonly holding: number;
  readonly tradesHash: string;
}

/** As `struct Evidence` of `sol/Types.sol`. */
export interface Evidence {
  readonly uid: string;
  readonly signature: string;
  readonly featuresRoot: string;
  readonly features: string;
  readonly path: readonly string[];
  readonly notarySignatures: string;
}

/** A registered network, and the attestation that every decision made with it refers to. */
export interface Model {
  readonly modelId: string;
  readonly refUID: string;
}

export const NO_EVIDENCE: Evidence = {
  uid: ZeroHash,
  signature: "0x",
  featuresRoot: ZeroHash,
  features: "0x",
  path: [],
  notarySignatures: "0x",
};

const OFFCHAIN_FIELDS: Record<string, TypedDataField[]> = {
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
const NOTARY_FIELDS: Record<string, TypedDataField[]> = {
  MarketStatement: [
    { name: "inputRoot", type: "bytes32" },
    { name: "featuresRoot", type: "bytes32" },
    { name: "at", type: "uint64" },
  ],
};

const coder = AbiCoder.defaultAbiCoder();
const [decisionType, tradesType] = new Interface(vaultAbi as InterfaceAbi).getFunction("rebalance")!.inputs;

export const encodeDecision = (decision: Decision): string => coder.encode([decisionType!], [decision]);

export const hashTrades = (trades: readonly Trade[]): string =>
  keccak256(coder.encode([tradesType!], [trades]));

/** Where attestations are made. */
export interface EasDomain {
  readonly schema: string;
  readonly version: string;
  readonly address: string;
}

/** Signature of the decision's off-chain attestation (EAS, version 2), on the chain that the decision names. */
export const signDecision = (
  decision: Decision,
  refUID: string,
  eas: EasDomain,
  signer: Wallet,
): Promise<string> => {
  const data = encodeDecision(decision);
  const { chainId, vault: recipient, decidedAt: time, expiresAt: expirationTime } = decision;
  const head = { version: 2, schema: eas.schema, recipient, time, expirationTime };
  const message = { ...head, revocable: true, refUID, data, salt: keccak256(data) };
  const domain = { name: "EAS Attestation", version: eas.version, chainId, verifyingContract: eas.address };
  return signer.signTypedData(domain, OFFCHAIN_FIELDS, message);
};

/** By which that attestation is revoked: as the EAS SDK computes it, version 2. */
export const offchainUid = (decision: Decision, refUID: string, schema: string): string => {
  const data = encodeDecision(decision);
  const { vault, decidedAt, expiresAt } = decision;
  return solidityPackedKeccak256(
    [
      "uint16",
      "string",
      "address",
      "address",
      "uint64",
      "uint64",
      "bool",
      "bytes32",
      "bytes",
      "bytes32",
      "uint32",
    ],
    [2, schema, vault, ZeroAddress, decidedAt, expiresAt, true, refUID, data, keccak256(data), 0],
  );
};

/** Twenty int16 in 40 bytes, of which all but the first are 0. @param first 10 fraction bits. */
export const toFeatures = (first: number): string =>
  concat([toBeHex(first & 0xffff, 2), `0x${"00".repeat(38)}`]);

/** A Merkle tree of two leaves, the first of them ether's features, and that one's proof. */
export const toFeatureTree = (features: string): { root: string; path: readonly string[] } => {
  const content = coder.encode(["bytes32", "bytes"], [encodeBytes32String("ETH"), features]);
  const leaves = [keccak256(keccak256(content)), keccak256("0x05")];
  return { root: keccak256(concat([...leaves].sort())), path: [leaves[1]!] };
};

/** The notaries' statements about a decision's market, in the order that the vault wants: signers ascending. */
export const notarise = async (
  { inputRoot, decidedAt: at }: Decision,
  featuresRoot: string,
  signers: readonly Wallet[],
): Promise<string> => {
  const domain = { name: "Ballast Notary", version: "1" };
  const ascending = [...signers].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const statement = { inputRoot, featuresRoot, at };
  return concat(
    await Promise.all(ascending.map((signer) => signer.signTypedData(domain, NOTARY_FIELDS, statement))),
  );
};
