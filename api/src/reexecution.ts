import type { JournalEntry } from "@ballast/agent";
import type { Evidence } from "@ballast/attest";
import type { Static } from "typebox";
import type * as schemas from "./schemas/verifications.ts";

/** What came of following a decision from the market to its trades. */
export type VerifyReport = Omit<Static<typeof schemas.Verification>, "hash" | "run" | "verifiedAt">;

/** What the service asks of whoever can decide again. */
export interface Reexecution {
  /** Recomputes every link for which there is material. Errors: VERIFY_BUSY, VERIFY_FAILED. */
  verify(entry: JournalEntry, evidence: Evidence): Promise<VerifyReport>;
}
