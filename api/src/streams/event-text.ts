import type { JournalEntry } from "@ballast/agent";
import { isoTime } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Static } from "typebox";
import { toDecision, toForecast } from "../resources.ts";
import type { VaultState } from "../schemas/streams.ts";

/** What the decision saw of its vault. */
export function toVaultState(entry: JournalEntry): Static<typeof VaultState> {
  const { decision, watch } = entry;
  return {
    vault: decision.vault,
    chainId: decision.chainId.toString(),
    sequence: decision.sequence.toString(),
    at: isoTime(entry.at),
    run: entry.run,
    decisionHash: entry.hash,
    isBreached: entry.isBreached,
    breachProbability: Number.isFinite(entry.breachProbability) ? entry.breachProbability : null,
    holdings: entry.weights.map((weight, i) => ({
      asset: watch?.holdings[i]?.asset ?? null,
      weight: Number.isFinite(weight) ? weight : null,
      target: watch?.holdings[i]?.target ?? null,
      band: watch?.holdings[i]?.band ?? null,
    })),
  };
}

/** An event's data by topic: the text that the resource of the same name is answered with. */
export const eventText = {
  forecasts: (forecast: Forecast): string => JSON.stringify(toForecast(forecast)),
  decisions: (entry: JournalEntry): string => JSON.stringify(toDecision(entry)),
  vaults: (entry: JournalEntry): string => JSON.stringify(toVaultState(entry)),
};
