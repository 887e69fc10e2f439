import { readFileSync } from "node:fs";
import { features } from "@ballast/agent";
import { createNotaryApi, listenOn } from "@ballast/api";
import { createNotary, readProposal } from "@ballast/attest";
import { BallastError, unixMillis } from "@ballast/data";
import { type KeyOptions, unlockKeystore } from "./key.ts";
import { openOwnSource, type SourceChoice } from "./notarySource.ts";
import type { Terminal } from "./terminal.ts";

export interface NotaryOptions extends SourceChoice, KeyOptions {
  readonly host: string;
  readonly port: number;
  readonly featureTolerance: number;
  readonly priceTolerance: number;
}

export class ProposalUnreadableError extends BallastError {
  readonly code = "PROPOSAL_UNREADABLE";
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code}); give a file of one proposal.`);
    this.path = path;
  }
}

/** Looks at one proposal from a file and prints its signature, or serves proposals until it is stopped. */
export async function runNotary(
  file: string | undefined,
  options: NotaryOptions,
  terminal: Terminal,
): Promise<void> {
  const signer = await unlockKeystore(options, terminal);
  const clock = () => unixMillis(Date.now());
  const source = await openOwnSource(options, clock);
  const tolerance = { feature: options.featureTolerance, priceBps: options.priceTolerance };
  try {
    const notary = await createNotary({
      signer,
      observe: source.observe,
      featuresOf: (snapshot) => features.table(snapshot),
      tolerance,
      clock,
    });
    if (file !== undefined) {
      const { signature, judgement } = await notary.notarise(
        readProposal(readText(file)),
        new AbortController().signal,
      );
      terminal.result(JSON.stringify({ notary: notary.address, signature, judgement }));
      return;
    }
    const about = {
      source: source.name,
      featureTolerance: tolerance.feature,
      priceToleranceBps: tolerance.priceBps,
    };
    const service = await listenOn(await createNotaryApi({ notary, about }), options);
    terminal.step(
      `Notary ${notary.address} at ${service.url}, looking up ${source.name}; a feature may differ by ` +
        `${tolerance.feature} of 1024, a close by ${tolerance.priceBps} bp. Stop with Ctrl-C.`,
    );
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    await service.close();
  } finally {
    source.close();
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ProposalUnreadableError(path, error);
  }
}
