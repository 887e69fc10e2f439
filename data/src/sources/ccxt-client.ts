import { setTimeout as wait } from "node:timers/promises";
import type { Exchange } from "ccxt";
import { BallastError } from "../errors.ts";
import { type Random, seededRandom } from "../random.ts";
import type { UnixMillis } from "../units.ts";

export interface ExchangeOptions {
  /** Any exchange ccxt knows, by its id: `binance`, `kraken`. */
  readonly exchange: string;
  readonly clock: () => UnixMillis;
  /** Longest wait for one response. Default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** How often a request that failed for a passing reason is repeated. Default 6. */
  readonly retries?: number | undefined;
  /** When the exchange has not answered at all by then, there is no network. Default 15 s. */
  readonly noNetworkAfterMs?: number | undefined;
  /** The longest pause an exchange may ask for before we give up. Default 2 min. */
  readonly longestPauseMs?: number | undefined;
  /** A mirror or gateway that speaks the exchange's protocol: scheme and host, in place of the exchange's own. */
  readonly url?: string | undefined;
  /** Settings of the ccxt client, merged into its own: `urls`, `options`, `rateLimit`. */
  readonly client?: Readonly<Record<string, unknown>> | undefined;
  /** Source of the jitter between retries. */
  readonly random?: Random | undefined;
  /** How to pause; for tests. Default: a timer. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

export class UnknownExchangeError extends BallastError {
  readonly code = "UNKNOWN_EXCHANGE";
  readonly exchange: string;
  readonly closest: readonly string[];
  constructor(exchange: string, closest: readonly string[]) {
    super(`There is no exchange ${JSON.stringify(exchange)}. The closest names are ${closest.join(", ")}.`);
    this.exchange = exchange;
    this.closest = closest;
  }
}

export class NoNetworkError extends BallastError {
  readonly code = "NO_NETWORK";
  readonly exchange: string;
  constructor(exchange: string, reason: string, options?: ErrorOptions) {
    super(
      `${exchange} could not be reached (${reason}). Check the connection, or work with recorded bars or the synthetic market.`,
      options,
    );
    this.exchange = exchange;
  }
}

export class ExchangeUnavailableError extends BallastError {
  readonly code = "EXCHANGE_UNAVAILABLE";
  readonly exchange: string;
  readonly attempts: number;
  constructor(exchange: string, what: string, attempts: number, options?: ErrorOptions) {
    super(
      `${exchange} failed ${attempts} times at ${what}: ${firstLine(options?.cause)}. ` +
        `What a store has received is kept; run again later and it goes on from there.`,
      options,
    );
    this.exchange = exchange;
    this.attempts = attempts;
  }
}

export class RateLimitedError extends BallastError {
  readonly code = "RATE_LIMITED";
  readonly exchange: string;
  readonly retryAfterSeconds: number;
  constructor(exchange: string, retryAfterSeconds: number, options?: ErrorOptions) {
    super(
      `${exchange} refuses requests from this address for another ${retryAfterSeconds} s. ` +
        `Run again after that; what a store has received is kept.`,
      options,
    );
    this.exchange = exchange;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class ExchangeRefusedError extends BallastError {
  readonly code = "EXCHANGE_REFUSED";
  readonly exchange: string;
  constructor(exchange: string, what: string, options?: ErrorOptions) {
    super(
      `${exchange} refused ${what}: ${firstLine(options?.cause)}. Check the request, or use another exchange.`,
      options,
    );
    this.exchange = exchange;
  }
}

const firstLine = (error: unknown): string =>
  String((error as Error)?.message ?? error)
    .split("\n")[0]!
    .slice(0, 200);

/** The ids nearest to a misspelt one, by Levenshtein's distance. */
export function closestNames(name: string, names: readonly string[], count = 3): string[] {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++)
        next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      row = next;
    }
    return row[b.length]!;
  };
  const sought = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, far: distance(sought, candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** A malformed answer: worth another try. */
export class MalformedAnswer extends Error {}

/** Settles with the promise, or rejects with the signal's reason, whichever is first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Timeout, too early, too many requests, and 418, which Binance answers to an address it has banned for a while. */
const PASSING_STATUS = new Set([408, 418, 425, 429]);
const BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** Where nothing at all has answered yet, patience only delays the message that there is no network. */
const RETRIES_UNREACHED = 2;

export interface ExchangeClient {
  readonly ccxt: Exchange;
  /** Runs a request until it succeeds. Errors: see `openExchange`; the signal's reason. */
  call<T>(what: string, request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
  /** Pauses between two requests, longer for every further attempt, with jitter. */
  pause(attempt: number, signal: AbortSignal | undefined): Promise<void>;
}

/**
 * A ccxt client whose requests are repeated after network errors, timeouts, 429, 418, 5xx and cut-off bodies,
 * with exponential backoff and jitter, or after the time the exchange names in Retry-After.
 * ccxt is loaded here and not before: it takes about half a second.
 * Errors: UnknownExchangeError now; later NoNetworkError, ExchangeUnavailableError, RateLimitedError, ExchangeRefusedError.
 */
export async function openExchange(options: ExchangeOptions): Promise<ExchangeClient> {
  const id = options.exchange;
  const { default: ccxt } = await import("ccxt");
  const ids = ccxt.exchanges as unknown as readonly string[];
  if (!ids.includes(id)) throw new UnknownExchangeError(id, closestNames(id, ids));
  const Client = (ccxt as unknown as Record<string, new (settings: object) => Exchange>)[id]!;
  const { timeoutMs = 10_000, retries = 6, noNetworkAfterMs = 15_000, longestPauseMs = 120_000 } = options;
  const random = options.random ?? seededRandom(0, "retries");
  const sleep = options.sleep ?? ((ms, signal) => wait(ms, undefined, signal ? { signal } : {}));

  const client = new Client({ ...options.client, enableRateLimit: true, timeout: timeoutMs });
  if (options.url !== undefined)
    client.urls.api = withHost(client.urls.api, options.url) as Exchange["urls"]["api"];
  const types = client.options?.fetchMarkets?.types;
  // Bars of spot markets are all we want; the lists of futures and options are megabytes more.
  if (Array.isArray(types) && types.includes("spot")) client.options.fetchMarkets.types = ["spot"];

  let status: number | undefined;
  let retryAfter: string | null = null;
  let hasAnswered = false;
  /** Goes off when the exchange has not given any answer in time; never once it has. */
  const unreached = new AbortController();
  let alarm: NodeJS.Timeout | undefined;
  let cancel = unreached.signal;
  // The body is read here, so that ccxt's timeout covers it too, and a cut-off one is not taken for an empty page.
  client.fetchImplementation = async (url: string, init: RequestInit) => {
    const signal = AbortSignal.any(init.signal ? [init.signal, cancel] : [cancel]);
    const response = await fetch(url, { ...init, redirect: "error", signal });
    hasAnswered = true;
    clearTimeout(alarm);
    status = response.status;
    retryAfter = response.headers.get("retry-after");
    const text = await response.text();
    if (response.ok && !isCompleteJson(text))
      throw new MalformedAnswer(`${text.length} characters of incomplete JSON`);
    return { status, statusText: response.statusText, headers: response.headers, text: async () => text };
  };

  function isPassing(error: unknown): boolean {
    // The status decides where there is one: ccxt files some refusals, such as 451, under network errors.
    if (status !== undefined && status >= 400) return status >= 500 || PASSING_STATUS.has(status);
    return (
      error instanceof ccxt.OperationFailed ||
      error instanceof ccxt.BadResponse ||
      error instanceof MalformedAnswer ||
      (error as Error)?.name === "TimeoutError"
    );
  }

  /** What Retry-After asks for: seconds or a date (RFC 9110, 10.2.3). */
  function askedPauseMs(): number {
    if (retryAfter === null) return 0;
    const ms = /^\d+$/.test(retryAfter)
      ? Number(retryAfter) * 1000
      : Date.parse(retryAfter) - options.clock();
    return Number.isFinite(ms) ? Math.max(0, ms) : 0;
  }

  const backoffMs = (attempt: number): number =>
    Math.min(LONGEST_BACKOFF_MS, BACKOFF_MS * 2 ** attempt) * (0.5 + 0.5 * random.uniform());

  async function attempt<T>(what: string, request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries++) {
      status = undefined;
      retryAfter = null;
      try {
        return await abortable(request(), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw new ExchangeRefusedError(id, what, { cause: error });
        if (tries > (hasAnswered ? retries : Math.min(retries, RETRIES_UNREACHED)))
          throw hasAnswered
            ? new ExchangeUnavailableError(id, what, tries, { cause: error })
            : new NoNetworkError(id, firstLine(error), { cause: error });
        const asked = askedPauseMs();
        if (asked > longestPauseMs) throw new RateLimitedError(id, Math.ceil(asked / 1000), { cause: error });
        await sleep(Math.max(asked, backoffMs(tries - 1)), signal);
      }
    }
  }

  return {
    ccxt: client,
    pause: (tries, signal) => sleep(backoffMs(tries), signal),
    async call(what, request, signal) {
      signal?.throwIfAborted();
      cancel = AbortSignal.any([unreached.signal, ...(signal ? [signal] : [])]);
      if (!hasAnswered) alarm = setTimeout(() => unreached.abort(), noNetworkAfterMs);
      try {
        return await attempt(what, request, cancel);
      } catch (error) {
        if (!unreached.signal.aborted || signal?.aborted) throw error;
        throw new NoNetworkError(id, `no answer within ${noNetworkAfterMs} ms`, { cause: error });
      } finally {
        clearTimeout(alarm);
      }
    },
  };
}

/** Every address of ccxt's tree of them with another scheme and host, and its own path. */
function withHost(addresses: unknown, url: string): unknown {
  if (typeof addresses === "string")
    return addresses.replace(/^\w+:\/\/[^/]+/, () => url.replace(/\/+$/, ""));
  if (typeof addresses !== "object" || addresses === null) return addresses;
  return Object.fromEntries(Object.entries(addresses).map(([key, value]) => [key, withHost(value, url)]));
}

function isCompleteJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
