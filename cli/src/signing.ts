import type { LoopPorts } from "@ballast/agent";
import { type EasDomain, OUTCOME_SCHEMA, signDecision, signRecord } from "@ballast/attest";
import type { Signer } from "ethers";

/** How decisions, and what came of them, are signed: off chain, with one key. */
export const signing = (
  domain: EasDomain,
  signer: Signer,
): Required<Pick<LoopPorts, "sign" | "signOutcome">> => ({
  async sign(decision, modelUid) {
    const { json, uid } = await signDecision({ ...domain, decision, modelUid, signer });
    return { offchainAttestation: json, offchainUid: uid };
  },
  async signOutcome(record, refUID) {
    const time = record.observedAt;
    return (await signRecord({ ...domain, schema: OUTCOME_SCHEMA, record, refUID, time, signer })).json;
  },
});
