import { BallastError } from "@ballast/data";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { LruMap } from "toad-cache";
import { appendAudit } from "../audit.ts";
import type { Settings } from "../config.ts";
import { covers, openKeyring, type Recognition, type Scope } from "../keys.ts";

/** Who asks. */
export interface Caller {
  /** `key:<id>` or `address:<ip>`: whom to count and to whom a job belongs. */
  readonly id: string;
  /** Undefined without a key. */
  readonly keyId: string | undefined;
  readonly scope: Scope | undefined;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * What a key must cover to use the route. Default: `submit` for what is no GET; `read` below /v1; `public` elsewhere
     * (pages, health).
     */
    scope?: Scope | "public";
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

export class KeyRefusedError extends BallastError {
  readonly code: "KEY_REQUIRED" | "KEY_UNKNOWN" | "KEY_REVOKED" | "SCOPE_TOO_SMALL";
  constructor(code: KeyRefusedError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Callers without a key that are remembered, so that each of their requests need not spell them anew. */
const STRANGERS = 10_000;
const METRICS = "/metrics";
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Two steps, between which requests are counted: `identify` finds out who asks, `authorise` refuses who may not. What an
 * admin does, but for looking, is in the audit log before it is done; where it cannot be written, it is not done.
 */
export function guardByKeys(
  app: FastifyInstance,
  settings: Pick<Settings, "keys" | "audit" | "publicReads" | "publicMetrics">,
): { readonly identify: () => void; readonly authorise: () => void } {
  const recognise = openKeyring(settings.keys);
  const recognitions = new WeakMap<FastifyRequest, Recognition>();
  app.decorateRequest("caller", null as unknown as Caller);

  const neededFor = ({ method, routeOptions: { url, config } }: FastifyRequest): Scope | "public" => {
    if (url === undefined) return "public";
    if (url === METRICS) return settings.publicMetrics ? "public" : "read";
    if (config.scope !== undefined) return config.scope;
    if (!SAFE.has(method)) return "submit";
    return url.startsWith("/v1/") ? "read" : "public";
  };
  const isPublic = ({ routeOptions: { url } }: FastifyRequest, needed: Scope) =>
    needed === "read" && settings.publicReads && url !== METRICS;

  const strangers = new LruMap<Caller>(STRANGERS);
  const strangerAt = (ip: string): Caller => {
    let caller = strangers.get(ip);
    if (caller === undefined) {
      caller = { id: `address:${ip}`, keyId: undefined, scope: undefined };
      strangers.set(ip, caller);
    }
    return caller;
  };

  const identify = () =>
    app.addHook("onRequest", (request, _reply, done) => {
      const [scheme = "", key = ""] = request.headers.authorization?.split(" ", 2) ?? [];
      const recognition = scheme.toLowerCase() === "bearer" ? recognise(key) : undefined;
      if (recognition !== undefined) recognitions.set(request, recognition);
      request.caller =
        recognition?.kind === "known"
          ? {
              id: `key:${recognition.record.id}`,
              keyId: recognition.record.id,
              scope: recognition.record.scope,
            }
          : strangerAt(request.ip);
      done();
    });

  const authorise = () => {
    app.addHook("onRequest", (request, _reply, done) => {
      const needed = neededFor(request);
      if (needed === "public") return done();
      // A key that is no good is refused where none is needed, too: whoever sends one counts on it.
      const recognition = recognitions.get(request);
      if (recognition === undefined && isPublic(request, needed)) return done();
      done(refusal(request, needed, recognition));
    });
    app.addHook("preHandler", (request, _reply, done) => {
      if (isAudited(request)) audit(request);
      done();
    });
    app.addHook("onResponse", (request, reply, done) => {
      try {
        if (isAudited(request)) audit(request, reply.statusCode);
      } catch (error) {
        request.log.error({ err: error }, "what came of an admin action is not in the audit log");
      }
      done();
    });
  };
  const isAudited = ({ method, routeOptions: { config } }: FastifyRequest) =>
    config.scope === "admin" && !SAFE.has(method);

  const audit = (request: FastifyRequest, status: number | null = null) =>
    appendAudit(settings.audit, {
      at: new Date().toISOString(),
      requestId: request.id,
      action: `${request.method} ${request.routeOptions.url}`,
      path: request.url.split("?", 1)[0] ?? "",
      keyId: request.caller.keyId ?? null,
      address: request.ip,
      status,
    });

  return { identify, authorise };
}

function refusal(
  { caller }: FastifyRequest,
  needed: Scope,
  recognition: Recognition | undefined,
): KeyRefusedError | undefined {
  if (recognition === undefined)
    return new KeyRefusedError("KEY_REQUIRED", "This needs a key. Send it as `Authorization: Bearer <key>`.");
  if (recognition.kind === "unknown")
    return new KeyRefusedError("KEY_UNKNOWN", "This key is none of this server's. Ask its operator for one.");
  if (recognition.kind === "revoked")
    return new KeyRefusedError("KEY_REVOKED", "This key was revoked. Ask the operator for another one.");
  if (caller.scope !== undefined && covers(caller.scope, needed)) return undefined;
  return new KeyRefusedError(
    "SCOPE_TOO_SMALL",
    `This needs a key of scope ${needed}; yours is of scope ${caller.scope}.`,
  );
}
