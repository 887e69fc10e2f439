import type { Static } from "typebox";
import type * as decisions from "../../src/schemas/decisions.ts";
import type * as forecasts from "../../src/schemas/forecasts.ts";
import type * as models from "../../src/schemas/models.ts";
import type * as service from "../../src/schemas/service.ts";
import { apiKey } from "./key.ts";

export type Decision = Static<typeof decisions.Decision>;
export type DecisionDetail = Static<typeof decisions.DecisionDetail>;
export type DecisionPage = Static<typeof decisions.DecisionPage>;
export type Outlook = NonNullable<DecisionDetail["outlook"]>[number];
export type Forecast = Static<typeof forecasts.Forecast>;
export type Run = Static<typeof service.Runs>["items"][number];
export type Health = Static<typeof service.Health>;
export type Model = Static<typeof models.Model>;

/** The service did not answer at all. */
export class OfflineError extends Error {}

/** The service answered that it will not: RFC 9457. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** An answer to a request with the reader's key. Errors: OfflineError, ProblemError. */
async function ask(path: string, init: RequestInit): Promise<Response> {
  const key = apiKey();
  const headers = new Headers(init.headers);
  if (key !== "") headers.set("authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...init, headers }).catch(offline);
  if (response.ok) return response;
  const body = await response.json().catch(() => undefined);
  throw new ProblemError(
    response.status,
    body?.code ?? "UNKNOWN",
    body?.detail ?? `The service answered with status ${response.status}.`,
  );
}

const offline = (cause: unknown): never => {
  throw new OfflineError("The service does not answer.", { cause });
};

/** JSON from a path of this service. Errors: OfflineError, also where it breaks off; ProblemError. */
export const read = async <T>(path: string, init: RequestInit = {}): Promise<T> =>
  (await ask(path, init)).json().catch(offline);

/** A file of this service, whole. Errors: OfflineError, also where it breaks off; ProblemError. */
export const readFile = async (path: string): Promise<Blob> => (await ask(path, {})).blob().catch(offline);

const query = (parameters: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
};

export const readRuns = async () => (await read<{ items: Run[] }>("v1/runs")).items;
export const readHealth = () => read<Health>("health");
export const readDecisions = (parameters: Parameters<typeof query>[0]) =>
  read<DecisionPage>(`v1/decisions${query(parameters)}`);
export const readDecision = (hash: string, run?: string) =>
  read<DecisionDetail>(`v1/decisions/${hash}${query({ run })}`);
export const readForecasts = async (limit: number) =>
  (await read<{ items: Forecast[] }>(`v1/forecasts${query({ limit })}`)).items;
export const readEvidence = (uid: string) => read<unknown>(`v1/attestations/${uid}/evidence`);
export const readNetwork = (id: string) => read<{ readonly bytes: string }>(`v1/networks/${id}`);

let described: Promise<Readonly<Record<string, unknown>>> | undefined;

/** Whether this service has a route at all: parts of it are optional, and its own description says which. */
export async function hasRoute(path: string): Promise<boolean> {
  described ??= read<{ paths: Record<string, unknown> }>("openapi.json").then(
    ({ paths }) => paths,
    (error) => {
      described = undefined;
      throw error;
    },
  );
  return path in (await described);
}
