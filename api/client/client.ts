import type { paths } from "./schema.d.ts";

type GetPath = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Operation<P extends GetPath> = Exclude<paths[P]["get"], undefined>;
/** The JSON that a path answers with. */
export type Answer<P extends GetPath> =
  Operation<P> extends { responses: { 200: { content: { "application/json": infer T } } } } ? T : never;
/** An item of the pages of a path. */
export type Item<P extends GetPath> = Answer<P> extends { items: readonly (infer T)[] } ? T : never;

type Parameters<P extends GetPath> = Operation<P> extends { parameters: infer Given } ? Given : never;
type In<P extends GetPath, Place extends "query" | "path"> =
  Parameters<P> extends { [K in Place]?: infer Given } ? Exclude<Given, undefined> : never;
type Part<P extends GetPath, Place extends "query" | "path"> = [In<P, Place>] extends [never]
  ? { readonly [K in Place]?: never }
  : Record<never, never> extends In<P, Place>
    ? { readonly [K in Place]?: In<P, Place> }
    : { readonly [K in Place]: In<P, Place> };
export type Options<P extends GetPath> = Part<P, "query"> &
  Part<P, "path"> & { readonly signal?: AbortSignal };
/** Options may be left out where the path needs none. */
type Given<P extends GetPath> =
  Record<never, never> extends Options<P> ? [options?: Options<P>] : [options: Options<P>];

/** A refusal or failure, as the service puts it (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** HTTP status. */
  readonly status: number;
  /** Stable, upper-case: `DECISION_NOT_FOUND`. `NOT_A_PROBLEM` where something else than the service answered. */
  readonly code: string;
  readonly requestId: string | undefined;
  constructor(
    status: number,
    { code, detail, requestId }: { code: string; detail: string; requestId?: string },
  ) {
    super(`${code}: ${detail}`);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

export interface ClientOptions {
  /** API key; without it, public reads. */
  readonly key?: string;
  readonly fetch?: typeof fetch;
}

export interface Client {
  /** Errors: ProblemError; those of `fetch` where there is no answer. */
  get<P extends GetPath>(path: P, ...given: Given<P>): Promise<Answer<P>>;
  /** The items of all pages, asked for as they are read. */
  items<P extends GetPath>(path: P, ...given: Given<P>): AsyncGenerator<Item<P>, void, undefined>;
  /** The answer as it comes, for the other formats: `{ query: { format: "arrow" } }`. */
  download<P extends GetPath>(path: P, ...given: Given<P>): Promise<Response>;
}

/** @param baseUrl Where the service listens, `http://127.0.0.1:8787` */
export function createClient(baseUrl: string, { key, fetch: send = fetch }: ClientOptions = {}): Client {
  const download: Client["download"] = async (path, ...[options]) => {
    const {
      query = {},
      path: parts = {},
      signal,
    } = (options ?? {}) as {
      query?: Record<string, string | number | undefined>;
      path?: Record<string, string>;
      signal?: AbortSignal;
    };
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
    const url = new URL(filled, baseUrl);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await send(url, {
      ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
      ...(signal && { signal }),
    });
    if (!response.ok) throw await toError(response);
    return response;
  };
  const get = async <P extends GetPath>(path: P, ...given: Given<P>): Promise<Answer<P>> =>
    (await (await download(path, ...given)).json()) as Answer<P>;

  async function* items<P extends GetPath>(path: P, ...[options]: Given<P>) {
    let cursor: string | null | undefined;
    do {
      const query = { ...(options?.query as object | undefined), ...(cursor && { cursor }) };
      const page = (await get(path, ...([{ ...options, query }] as unknown as Given<P>))) as {
        items: Item<P>[];
        nextCursor?: string | null;
      };
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor);
  }
  return { get, items, download };
}

async function toError(response: Response): Promise<ProblemError> {
  const text = await response.text();
  try {
    const { code, detail, requestId } = JSON.parse(text);
    if (typeof code === "string") return new ProblemError(response.status, { code, detail, requestId });
  } catch {
    // Not JSON: something between here and the service.
  }
  const detail = `${response.url} answered ${response.status} with ${JSON.stringify(text.slice(0, 80))}.`;
  return new ProblemError(response.status, { code: "NOT_A_PROBLEM", detail });
}
