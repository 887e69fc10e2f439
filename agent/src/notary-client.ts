import {
  type Notarised,
  type Notary,
  type Proposal,
  recoverNotary,
  statementOf,
  toProposalFile,
} from "@ballast/attest";
import { BallastError, type Hex } from "@ballast/data";

/** A notary that cannot be reached, or that answers with something else than a signature of the proposal. */
export class NotaryUnusableError extends BallastError {
  readonly code = "NOTARY_UNUSABLE";
  readonly host: string;
  constructor(host: string, found: string) {
    super(`the notary at ${host} ${found}; check its address, and its log`);
    this.host = host;
  }
}

/** No answer of a notary is longer than this, in characters. */
const LONGEST_ANSWER = 10_000;

async function readAnswer(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true });
    if (text.length > LONGEST_ANSWER) {
      await reader?.cancel();
      break;
    }
  }
  return text;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/**
 * The notary that `ballast notary --serve` runs at this address. Its signature is checked here: whether the signer is
 * one of the vault's notaries, the vault says. `notarise` throws NotaryUnusableError with what the notary itself said.
 * @param url `http://127.0.0.1:8790`
 */
export function httpNotary(url: string): Notary {
  const host = URL.parse(url)?.host || "the given URL";
  return {
    name: host,
    async notarise(proposal: Proposal, signal: AbortSignal): Promise<Notarised> {
      let response: Response;
      let text: string;
      try {
        response = await fetch(new URL("/v1/statements", url), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(toProposalFile(proposal)),
          signal,
          redirect: "error",
        });
        text = await readAnswer(response);
      } catch (error) {
        signal.throwIfAborted();
        const cause = (error as { cause?: { code?: string } }).cause?.code ?? "no answer";
        throw new NotaryUnusableError(host, `does not answer (${cause})`);
      }
      const answer = parse(text);
      if (!response.ok) {
        const { detail } = answer;
        const said = typeof detail === "string" ? detail : `answers ${response.status}`;
        throw new NotaryUnusableError(host, `refuses: ${said.slice(0, 600)}`);
      }
      const { signature, judgement } = answer;
      const notary =
        typeof signature === "string" ? recoverNotary(statementOf(proposal), signature) : undefined;
      if (notary === undefined || typeof judgement !== "object" || judgement === null)
        throw new NotaryUnusableError(host, "answers with no signature of this proposal");
      return { notary, signature: signature as Hex, judgement: judgement as Notarised["judgement"] };
    },
  };
}
