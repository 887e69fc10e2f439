import type { Execution } from "@ballast/agent";
import type { Devnet } from "@ballast/contracts";

/** One call of a transaction as the node's `callTracer` tells it. */
export interface TracedCall {
  readonly type: string;
  readonly to?: string;
  readonly input: string;
  /** Hexadecimal, inclusive of the calls below. */
  readonly gasUsed: string;
  readonly calls?: readonly TracedCall[];
}

export interface GasPart {
  readonly name: "transaction" | "swaps" | "tokens" | "prices" | "attestation" | "vault";
  readonly gas: number;
}

/** Where the gas of a rebalance went, from the node's trace of it. The parts add up to the receipt's gas. */
export async function fetchGasParts(devnet: Devnet, { txHash, gasUsed }: Execution): Promise<GasPart[]> {
  const trace: TracedCall = await devnet.provider.send("debug_traceTransaction", [
    txHash,
    { tracer: "callTracer" },
  ]);
  const { venue, eas } = devnet.addresses;
  return toGasParts(trace, Number(gasUsed), {
    [venue]: "swaps",
    [eas]: "attestation",
    [ECRECOVER]: "attestation",
    ...Object.fromEntries(
      devnet.listings.flatMap(({ token, feed, pool }) => [
        [token, "tokens"],
        [feed, "prices"],
        // Asked for its average; the venue, not the vault, swaps in it.
        ...(pool === undefined ? [] : [[pool, "prices"]]),
      ]),
    ),
  });
}

/** The precompile that recovers who signed. */
const ECRECOVER = "0x0000000000000000000000000000000000000001";
const TRANSACTION_GAS = 21_000;
const ZERO_BYTE_GAS = 4;
const OTHER_BYTE_GAS = 16;

/**
 * Sums the vault's own calls by what they call, those of code that it runs as its own among them. `transaction` is the
 * fixed price and the calldata's (EIP-2028); `vault` is the rest: the vault's own code and storage and the price of
 * calling what is cold (EIP-2929), less what the chain refunds for the whole transaction (EIP-3529).
 */
export function toGasParts(
  trace: TracedCall,
  gasUsed: number,
  nameOf: Readonly<Record<string, "swaps" | "tokens" | "prices" | "attestation">>,
): GasPart[] {
  const names = new Map(Object.entries(nameOf).map(([address, name]) => [address.toLowerCase(), name]));
  const calldata = Buffer.from(trace.input.slice(2), "hex");
  const zeros = calldata.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
  const transaction = TRANSACTION_GAS + zeros * ZERO_BYTE_GAS + (calldata.length - zeros) * OTHER_BYTE_GAS;
  const sums = { transaction, swaps: 0, tokens: 0, prices: 0, attestation: 0 };
  for (const call of ownCalls(trace)) {
    const name = names.get((call.to ?? "").toLowerCase());
    if (name !== undefined) sums[name] += Number(call.gasUsed);
  }
  const others = Object.values(sums).reduce((sum, gas) => sum + gas, 0);
  const parts = Object.entries(sums) as [Exclude<GasPart["name"], "vault">, number][];
  return [...parts.map(([name, gas]) => ({ name, gas })), { name: "vault" as const, gas: gasUsed - others }];
}

/** The vault runs its rebalancer's code in its own name: what that calls, the vault calls. */
const ownCalls = ({ calls = [] }: TracedCall): readonly TracedCall[] =>
  calls.flatMap((call) => (call.type === "DELEGATECALL" ? ownCalls(call) : [call]));
