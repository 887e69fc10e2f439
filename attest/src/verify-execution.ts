import { vaultAbi } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { Interface, type JsonRpcApiProvider, type LogDescription } from "ethers";
import { type Check, type Expectations, toCheck, toEqualityCheck } from "./checks.ts";
import type { Decision, Trade } from "./decision.ts";
import { decisionHash } from "./encoding.ts";
import { read } from "./node.ts";

const vaultInterface = new Interface(vaultAbi);

export interface ExecutionRequest {
  readonly provider: JsonRpcApiProvider;
  readonly txHash: Hex;
  /** Of the attestation, on chain or off, that the vault took. */
  readonly uid: string;
  readonly decision: Decision;
  readonly trades?: readonly Trade[] | undefined;
  readonly expectations: Expectations;
}

/**
 * Whether a transaction is the vault's execution of exactly this decision and these trades. The decision must
 * have canonical bytes. Throws NodeError.
 */
export async function verifyExecution(request: ExecutionRequest): Promise<Check> {
  const { provider, txHash, uid, trades, expectations } = request;
  const hash = decisionHash(request.decision);
  const failed = (detail: string) => toCheck("execution", false, "", detail);
  type Receipt = { status: Hex; logs: { address: Hex; topics: Hex[]; data: Hex }[] } | null;
  const receipt = await read<Receipt>(provider, "eth_getTransactionReceipt", [txHash]);
  if (receipt === null) return failed(`the chain knows no transaction ${txHash}`);
  if (BigInt(receipt.status) !== 1n) return failed(`transaction ${txHash} was reverted`);
  const events = receipt.logs
    .filter(({ address }) => address.toLowerCase() === expectations.vault.toLowerCase())
    .map((log) => vaultInterface.parseLog(log))
    .filter((event): event is LogDescription => event !== null);
  const rebalances = events.filter(({ name }) => name === "Rebalanced");
  // One transaction may hold several; the swaps of each carry its sequence.
  const rebalanced = rebalances.find(({ args }) => args.decisionHash === hash) ?? rebalances[0];
  if (rebalanced === undefined)
    return failed(`transaction ${txHash} is no rebalance of vault ${expectations.vault}`);
  const swaps = events
    .filter(({ name, args }) => name === "Traded" && args.sequence === rebalanced.args.sequence)
    .map(({ args }) => args);
  const same = (what: string, found: unknown, expected: unknown) =>
    toEqualityCheck("execution", what, found, expected);
  const checks = [
    same("the executed decision", rebalanced.args.decisionHash, hash),
    same("the attestation it was executed by", rebalanced.args.uid, uid),
    same("the number of swaps", swaps.length, trades?.length ?? swaps.length),
    ...(trades ?? []).flatMap((trade, i) => [
      same(`the venue of trade ${i}`, swaps[i]?.venue, trade.venue),
      same(`the token sold in trade ${i}`, swaps[i]?.tokenIn, trade.tokenIn),
      same(`the token bought in trade ${i}`, swaps[i]?.tokenOut, trade.tokenOut),
      same(`the amount sold in trade ${i}`, swaps[i]?.amountIn, trade.amountIn),
    ]),
  ];
  const failure = checks.find(({ passed }) => !passed);
  return failure ?? toCheck("execution", true, `executed by the vault in transaction ${txHash}`, "");
}
