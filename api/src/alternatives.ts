import type { JournalEntry } from "@ballast/agent";
import { ACTION } from "@ballast/attest";
import type { Static } from "typebox";
import type { Alternatives } from "./schemas/alternatives.ts";

/** By the names that every policy gives what hangs on its choice; none where it did not come to one. */
export function toAlternatives({ numbers, decision }: JournalEntry): Static<typeof Alternatives> {
  const figure = (name: string): number | null => {
    const value = numbers[name];
    return value !== undefined && Number.isFinite(value) ? value : null;
  };
  if (figure("actingFeesBps") === null) return [];
  const isTrade = decision.action === ACTION.rebalance;
  return [
    {
      action: "trade",
      isChosen: isTrade,
      feesBps: figure("actingFeesBps"),
      gasBps: figure("actingGasBps"),
      trackingErrorBps24h: figure("actingTrackingErrorBps24h"),
    },
    {
      action: "wait",
      isChosen: !isTrade,
      // The trade is put off and not saved: its fees stay, its gas may fall.
      feesBps: figure("actingFeesBps"),
      gasBps: figure("waitingGasBps"),
      trackingErrorBps24h: figure("waitingTrackingErrorBps24h"),
    },
  ];
}
