import { evidenceOf, type Feed, type Journal, openRedisFeed, type Step } from "@ballast/agent";
import { eventText } from "@ballast/api";
import { toEvidence } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { forecastHash } from "@ballast/model";
import type { Terminal } from "./terminal.ts";

/** Publishes what a loop decides. */
export interface Publisher {
  onStep(step: Step): void;
  /** Waits a moment for what is on its way. */
  close(): Promise<void>;
}

/** Opens a feed on Redis that tells of its losses, without the password that its URL may hold. Errors: RedisUnreachableError */
export const openSharedFeed = (url: string, terminal: Pick<Terminal, "say">): Promise<Feed> => {
  const host = URL.parse(url)?.host;
  return openRedisFeed(url, {
    onLost: () => terminal.say(`Redis at ${host} is gone; waiting for it.`),
    onBack: () => terminal.say(`Redis at ${host} is back.`),
  });
};

/**
 * Reads each decision back from the journal, so that subscribers see what the API serves. The loop never waits for
 * the feed: what cannot be published is said and stays in the journal.
 */
export function createPublisher(
  feed: Feed,
  journal: Journal,
  run: string,
  terminal: Pick<Terminal, "say">,
): Publisher {
  let lastForecast: Hex | undefined;
  let lastDecision: Hex | undefined;
  const publish = (...event: Parameters<Feed["publish"]>) =>
    void feed.publish(...event).catch((error: Error) => terminal.say(`Not published: ${error.message}`));
  return {
    onStep(step) {
      const hash =
        "decided" in step ? step.decided.hash : step.kind === "resumed" ? step.entry.hash : undefined;
      const entry = hash && journal.get(hash, run);
      if (entry === undefined) return;
      const { forecast } = entry;
      if (forecast !== undefined && forecastHash(forecast) !== lastForecast) {
        lastForecast = forecastHash(forecast);
        publish("forecasts", eventText.forecasts(forecast));
      }
      const evidence = evidenceOf(journal, entry);
      publish("decisions", eventText.decisions(entry), evidence && JSON.stringify(toEvidence(evidence)));
      if (step.kind !== "resumed" && hash !== lastDecision) publish("vaults", eventText.vaults(entry));
      lastDecision = hash;
    },
    close: () => feed.close(),
  };
}
