import {
  ACTION,
  type Check,
  decisionHash,
  type EasDomain,
  type Evidence,
  type Expectations,
  read,
  readEvidence,
  toOffchainAttestation,
  verifyEvidence,
  ZERO_ADDRESS,
} from "@ballast/attest";
import { BallastError, type Hex, unixMillis } from "@ballast/data";
import type { KeeperQueue, KeeperTask } from "./feed/keeper-queue.ts";
import type { Execution } from "./types.ts";
import type { Executable } from "./venue.ts";
import {
  callVault,
  type ExecutionOptions,
  executeOnVault,
  findExecution,
  simulateExecution,
} from "./venues/execution.ts";

export interface KeeperOptions extends Omit<ExecutionOptions, "keeper"> {
  /** Pays for the rebalances. Without it decisions are verified and simulated, and nothing is sent. */
  readonly keeper?: ExecutionOptions["keeper"] | undefined;
  /** What the vault takes decisions under. */
  readonly domain: EasDomain;
  /** Take decisions of these keys alone, of those that the vault allows. All that it allows where absent. */
  readonly attesters?: readonly Hex[] | undefined;
}

/** What became of a published decision. */
export type Settlement =
  /** `isOurs`: by a transaction of this keeper, else by another's. */
  | { readonly kind: "executed"; readonly hash: Hex; readonly execution: Execution; readonly isOurs: boolean }
  /** Nothing to do: it holds, or is another vault's. */
  | { readonly kind: "passed over"; readonly why: string }
  /** Sound, and the vault would take it; there is no key to send it with. */
  | { readonly kind: "simulated"; readonly hash: Hex }
  | { readonly kind: "expired"; readonly hash: Hex; readonly why: string }
  /** Malformed, forged, or sound and refused by the vault. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Nothing is wrong with it: the node, the key's ether or the price of gas. To be tried again while it is alive. */
  | { readonly kind: "deferred"; readonly hash: Hex; readonly error: BallastError };

const MOST_TEXT = 1_000_000;
/** A chain's last block may be a little older than the bar close that was decided at. */
const MOST_AHEAD_SECONDS = 600n;

export class NotDecidedYetError extends BallastError {
  readonly code = "NOT_DECIDED_YET";
  constructor(seconds: bigint) {
    super(`the chain's last block is ${seconds} s older than the decision; wait for the next one`);
  }
}

/**
 * Trusts nothing of what was published: whether it was signed, by whom, for which vault and trades, and until when,
 * is checked against the vault itself, which then checks all of it once more. Met a second time, a decision that was
 * carried out is found to be so.
 * @param text Of an evidence file.
 */
export async function settle(options: KeeperOptions, text: string | undefined): Promise<Settlement> {
  if (text === undefined) return refused("it was published without evidence");
  if (text.length > MOST_TEXT)
    return refused(`its evidence has ${text.length} characters, at most ${MOST_TEXT} are read`);
  let evidence: Evidence;
  try {
    evidence = readEvidence(text);
  } catch (error) {
    return refused(asBallastError(error).message);
  }
  const { decision, trades, offchain, market } = evidence;
  const { vault, expectedChainId } = options;
  if (offchain === undefined)
    return refused("its evidence has no off-chain attestation, which the vault is given");
  if (decision.vault !== vault.toLowerCase() || decision.chainId !== expectedChainId)
    return { kind: "passed over", why: `it is for vault ${decision.vault} on chain ${decision.chainId}` };
  const hash = decisionHash(decision);
  const decided: Executable = { decision, trades, hash, offchainAttestation: offchain, market };
  try {
    // The chain's own clock says what has expired, for the vault goes by it.
    const now = await readClock(options.provider);
    const ahead = decision.decidedAt - now;
    const isEarly = ahead > 0n && ahead <= MOST_AHEAD_SECONDS;
    const checks = await verify(options, evidence, isEarly ? decision.decidedAt : now);
    const failures = checks.filter(({ passed }) => !passed);
    const failure = failures.find(({ name }) => name !== "window") ?? failures[0];
    const isExpired = failure?.name === "window" && now > decision.expiresAt;
    if (failure !== undefined && !isExpired) return refused(`${failure.name}: ${failure.detail}`);
    if (decision.action === ACTION.hold) return { kind: "passed over", why: "it holds" };
    if (isEarly) throw new NotDecidedYetError(ahead);
    if (isExpired) {
      const execution = await findExecution(options, decided);
      if (execution !== undefined) return { kind: "executed", hash, execution, isOurs: false };
      return { kind: "expired", hash, why: failure.detail };
    }
    return await carryOut(options, decided);
  } catch (error) {
    const failed = asBallastError(error);
    if (failed.code === "VAULT_REJECTION") return refused(failed.message);
    return { kind: "deferred", hash, error: failed };
  }
}

async function carryOut(options: KeeperOptions, decided: Executable): Promise<Settlement> {
  const { keeper } = options;
  const { hash } = decided;
  if (keeper === undefined) {
    const execution = await findExecution(options, decided);
    if (execution !== undefined) return { kind: "executed", hash, execution, isOurs: false };
    await simulateExecution(options, decided);
    return { kind: "simulated", hash };
  }
  const execution = await executeOnVault({ ...options, keeper }, decided, undefined, () => {});
  const { from } = await read<{ from: string }>(options.provider, "eth_getTransactionByHash", [
    execution.txHash,
  ]);
  const isOurs = from.toLowerCase() === (await keeper.getAddress()).toLowerCase();
  return { kind: "executed", hash, execution, isOurs };
}

/** Unix seconds of the chain's last block. */
async function readClock(provider: KeeperOptions["provider"]): Promise<bigint> {
  const block = await read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", ["latest", false]);
  return BigInt(block.timestamp);
}

async function verify(
  { provider, vault, domain, attesters }: KeeperOptions,
  { decision, trades, offchain, references }: Evidence,
  asOf: bigint,
): Promise<Check[]> {
  const signer = signerOf(offchain);
  const [[isAllowed], [model]] = await Promise.all([
    callVault(provider, vault, "isAttester", [signer ?? ZERO_ADDRESS]),
    callVault(provider, vault, "model", [decision.modelId]),
  ]);
  const isWanted = attesters?.some((key) => key.toLowerCase() === signer) ?? true;
  const expectations: Expectations = {
    ...domain,
    vault,
    modelUid: model.attestationUid,
    attesters: signer !== undefined && isAllowed && isWanted ? [signer] : [],
    asOf: unixMillis(Number(asOf) * 1000),
  };
  // Its transaction and its attestation on chain are nothing that the vault will be given.
  const given = { decision, trades, offchain, references };
  const checks = await verifyEvidence(given, expectations, provider);
  return [...checks.offchain, ...checks.onchain];
}

function signerOf(offchain: string | undefined): Hex | undefined {
  try {
    return toOffchainAttestation(offchain).signer;
  } catch {
    // The first check of the list says what is wrong with it.
    return undefined;
  }
}

const refused = (reason: string): Settlement => ({ kind: "refused", reason });

function asBallastError(error: unknown): BallastError {
  if (error instanceof BallastError) return error;
  throw error;
}

/**
 * Settles one decision after the other until the signal aborts; what is deferred comes again. What is refused is left
 * in the queue's stream of refused ones.
 */
export async function runKeeper(
  queue: KeeperQueue,
  options: KeeperOptions,
  onSettled: (task: KeeperTask, settlement: Settlement) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const task of queue.tasks(signal)) {
    const settlement = await settle(options, task.evidence);
    if (settlement.kind === "refused") await queue.refuse(task, settlement.reason);
    else if (settlement.kind !== "deferred") await queue.ack(task);
    onSettled(task, settlement);
  }
}
