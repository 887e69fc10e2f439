import type { FeatureKit, MarketWitness, VaultScorer } from "@ballast/agent";
import {
  collectSignatures,
  NotariesMissingError,
  type Notary,
  packSignatures,
  recoverNotary,
  statementOf,
} from "@ballast/attest";
import type { Hex } from "@ballast/data";

/** How long notaries are waited for: they may have to ask an exchange. */
const NOTARY_TIMEOUT_MS = 30_000;

/**
 * The vault's network, run here, and notaries to ask for the market's sake.
 * @param isNotary Whether the vault counts a signer.
 */
export const toWitness = (
  kit: FeatureKit,
  scorer: VaultScorer,
  notaries: readonly Notary[],
  isNotary: (signer: Hex) => Promise<boolean>,
): MarketWitness => ({
  scorer,
  prove: (snapshot, { holdings }, holding) =>
    kit.prove(snapshot, holding === 0 ? undefined : holdings[holding]!.asset),
  async notarise(snapshot, featuresRoot, threshold) {
    const proposal = { inputRoot: snapshot.root, featuresRoot, snapshot };
    const { signatures, refusals } = await collectSignatures(notaries, proposal, {
      timeoutMs: NOTARY_TIMEOUT_MS,
    });
    const statement = statementOf(proposal);
    const signers = signatures.map((signature) => recoverNotary(statement, signature)!);
    const known = await Promise.all(signers.map(isNotary));
    const strangers = signers.filter((_, i) => !known[i]);
    try {
      const counted = signers.filter((_, i) => known[i]);
      return { signatures: packSignatures(statement, signatures, counted, threshold) };
    } catch (error) {
      if (!(error instanceof NotariesMissingError)) throw error;
      const unknown = strangers.map((signer) => `${signer} signed and is no notary of the vault`);
      return { refusals: [...refusals, ...unknown, error.message] };
    }
  },
});
