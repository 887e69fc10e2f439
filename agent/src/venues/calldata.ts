import {
  type Decision,
  decisionFromBytes,
  type MarketEvidence,
  signatureBytes,
  type Trade,
  toOffchainAttestation,
  ZERO_BYTES32,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex } from "@ballast/data";
import { AbiCoder, Interface } from "ethers";
import type { Executable } from "../venue.ts";

const vaultInterface = new Interface(vaultAbi);
const decisionType = vaultInterface.getFunction("rebalance")!.inputs[0]!;

/** A call of `Vault.rebalance`, read back. */
export interface RebalanceCall {
  readonly decision: Decision;
  readonly trades: readonly Trade[];
  /** Of the attestation on chain; undefined where the call brings the signature of one off chain. */
  readonly uid: Hex | undefined;
  /** r, s and v of the off-chain attestation; `0x` where there is one on chain. */
  readonly signature: Hex;
  /** Undefined where the call brings none: a weight is outside its band. */
  readonly market: MarketEvidence | undefined;
}

/** The transaction is no call of `rebalance`. */
export class NotARebalanceCallError extends BallastError {
  readonly code = "NOT_A_REBALANCE_CALL";
  readonly selector: string;
  constructor(data: string) {
    const selector = data.slice(0, 10);
    super(
      `the call begins with ${selector || "nothing"}, which is no vault's rebalance; give a transaction that is one`,
    );
    this.selector = selector;
  }
}

/** Calldata of `Vault.rebalance`. @param uid Of the attestation on chain; the off-chain signature is given where absent. */
export function encodeRebalance(decided: Executable, uid: Hex | undefined): string {
  const { decision, trades, market, offchainAttestation } = decided;
  const signature = uid === undefined ? signatureBytes(toOffchainAttestation(offchainAttestation)) : "0x";
  return vaultInterface.encodeFunctionData("rebalance", [
    decision,
    trades,
    {
      uid: uid ?? ZERO_BYTES32,
      signature,
      featuresRoot: market?.featuresRoot ?? ZERO_BYTES32,
      features: market?.features ?? "0x",
      path: market?.path ?? [],
      notarySignatures: market?.notarySignatures ?? "0x",
    },
  ]);
}

/** The decision, trades and evidence of a call. Throws NotARebalanceCallError. */
export function decodeRebalance(data: string): RebalanceCall {
  try {
    const [decision, trades, evidence] = vaultInterface.decodeFunctionData("rebalance", data);
    // Back through the canonical bytes, so that the types and the case are those of every other decision.
    const bytes = AbiCoder.defaultAbiCoder().encode([decisionType], [decision]);
    const lower = (value: unknown) => String(value).toLowerCase() as Hex;
    const hasMarket = evidence.features !== "0x";
    return {
      decision: decisionFromBytes(bytes),
      trades: [...trades].map((trade) => ({
        venue: lower(trade.venue),
        tokenIn: lower(trade.tokenIn),
        tokenOut: lower(trade.tokenOut),
        amountIn: trade.amountIn,
        minAmountOut: trade.minAmountOut,
        route: lower(trade.route),
      })),
      uid: evidence.uid === ZERO_BYTES32 ? undefined : lower(evidence.uid),
      signature: lower(evidence.signature),
      market: hasMarket
        ? {
            featuresRoot: lower(evidence.featuresRoot),
            features: lower(evidence.features),
            path: [...evidence.path].map(lower),
            notarySignatures: lower(evidence.notarySignatures),
          }
        : undefined,
    };
  } catch (error) {
    if (error instanceof BallastError) throw error;
    throw new NotARebalanceCallError(data);
  }
}
