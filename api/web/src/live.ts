import { hasRoute } from "./api.ts";
import { apiKey } from "./key.ts";

export type LiveState = "connecting" | "live" | "polling" | "offline";
const POLL_MS = 10_000;
/** Several events of one step come at once; one reading serves them all. */
const SETTLE_MS = 150;

/**
 * Calls `onChange` whenever there may be something new: at each event of the service's stream, or every ten seconds
 * where it has none. `onState` says which, and when the connection is lost and found.
 */
export async function watch(onChange: () => void, onState: (state: LiveState) => void): Promise<void> {
  let timer: number | undefined;
  const poll = () => {
    window.setInterval(() => {
      if (document.visibilityState === "visible") onChange();
    }, POLL_MS);
    onState("polling");
  };
  window.addEventListener("online", onChange);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") onChange();
  });
  // An EventSource cannot send a key.
  const hasStream = apiKey() === "" && (await hasRoute("/v1/stream").catch(() => false));
  if (!hasStream) return poll();
  const source = new EventSource("v1/stream?topics=forecasts,decisions,vaults");
  const changed = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(onChange, SETTLE_MS);
  };
  for (const topic of ["forecasts", "decisions", "vaults"]) source.addEventListener(topic, changed);
  let wasLost = false;
  source.addEventListener("open", () => {
    onState("live");
    // What came in between is read again as a whole.
    if (wasLost) onChange();
    wasLost = false;
  });
  source.addEventListener("error", () => {
    wasLost = true;
    // The browser tries again by itself, unless the stream was refused.
    if (source.readyState === EventSource.CLOSED) poll();
    else onState("offline");
  });
}
