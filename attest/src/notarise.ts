import { BallastError, type Hex, isoTime, type Snapshot, type UnixMillis } from "@ballast/data";
import type { Signer } from "ethers";
import {
  type FeatureTable,
  type Judgement,
  judgeProposal,
  type NotaryTolerance,
  type Refusal,
} from "./notary.ts";
import { type Proposal, statementOf } from "./proposal.ts";
import { signStatement } from "./statement.ts";

/** What a notary answers where it signs. */
export interface Notarised {
  readonly notary: Hex;
  /** 65 bytes r, s, v over the proposal's statement. */
  readonly signature: Hex;
  readonly judgement: Exclude<Judgement, Refusal>;
}

/** Somebody who can be asked to sign a market: in this process, or behind a URL. */
export interface Notary {
  /** For messages: an address, or the host it is reached at. */
  readonly name: string;
  /** Throws NotaryRefusedError, NotarySourceError or ProposalInFutureError; a client also NotaryUnusableError. */
  notarise(proposal: Proposal, signal: AbortSignal): Promise<Notarised>;
}

export class NotaryRefusedError extends BallastError {
  readonly code = "NOTARY_REFUSED";
  readonly notary: string;
  readonly refusal: Refusal;
  constructor(notary: string, refusal: Refusal) {
    super(`notary ${notary} does not sign: ${refusal.detail}; compare both sources, or widen the tolerance`);
    this.notary = notary;
    this.refusal = refusal;
  }
}

/** The notary's own source cannot say what the market was. */
export class NotarySourceError extends BallastError {
  readonly code = "NOTARY_SOURCE";
  readonly notary: string;
  constructor(notary: string, cause: BallastError) {
    super(`notary ${notary} cannot look the market up itself: ${cause.message}`);
    this.notary = notary;
  }
}

/** A notary signs what has happened. */
export class ProposalInFutureError extends BallastError {
  readonly code = "PROPOSAL_IN_FUTURE";
  readonly at: UnixMillis;
  constructor(at: UnixMillis, now: UnixMillis) {
    super(
      `the proposal is of ${isoTime(at)} and it is ${isoTime(now)} here; wait for the bar's close, or set the clock`,
    );
    this.at = at;
  }
}

export interface NotaryPorts {
  readonly signer: Signer;
  /** The notary's own snapshot of the same bars: time, interval, assets and number of bars are the proposal's. */
  readonly observe: (proposed: Snapshot, signal: AbortSignal) => Promise<Snapshot>;
  readonly featuresOf: (snapshot: Snapshot) => FeatureTable;
  readonly tolerance: NotaryTolerance;
  readonly clock: () => UnixMillis;
}

/**
 * A notary of its own source. It looks up one market at a time, so that many callers cannot make it ask its exchange
 * for more than it is allowed.
 */
export async function createNotary(ports: NotaryPorts): Promise<Notary & { readonly address: Hex }> {
  const { signer, observe, featuresOf, tolerance, clock } = ports;
  const address = (await signer.getAddress()) as Hex;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    address,
    name: address,
    async notarise(proposal, signal) {
      const { at } = proposal.snapshot;
      const now = clock();
      if (at > now) throw new ProposalInFutureError(at, now);
      const ours = await inTurn(() => {
        signal.throwIfAborted();
        return observe(proposal.snapshot, signal);
      }).catch((error: unknown) => {
        throw error instanceof BallastError ? new NotarySourceError(address, error) : error;
      });
      const judgement = judgeProposal(proposal, ours, featuresOf, tolerance);
      if (judgement.kind === "refused") throw new NotaryRefusedError(address, judgement);
      return { notary: address, signature: await signStatement(statementOf(proposal), signer), judgement };
    },
  };
}

/** What came back from all notaries that were asked. */
export interface Collected {
  readonly signatures: readonly Hex[];
  /** One line for each that did not sign. */
  readonly refusals: readonly string[];
}

/** Asks all notaries at once. Whoever fails or is late counts for nothing, and says why. */
export async function collectSignatures(
  notaries: readonly Notary[],
  proposal: Proposal,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Collected> {
  const answers = await Promise.allSettled(
    notaries.map((notary) => notary.notarise(proposal, AbortSignal.timeout(timeoutMs))),
  );
  const signatures: Hex[] = [];
  const refusals: string[] = [];
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "fulfilled") signatures.push(answer.value.signature);
    else if (answer.reason instanceof BallastError) refusals.push(answer.reason.message);
    else if (answer.reason instanceof DOMException)
      refusals.push(`notary ${notaries[i]!.name} did not answer within ${timeoutMs / 1000} s`);
    else throw answer.reason;
  }
  return { signatures, refusals };
}
