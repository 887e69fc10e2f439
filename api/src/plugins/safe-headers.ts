import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import helmet from "helmet";

/**
 * helmet's headers do not depend on the request: they are worked out once, which takes longer than a kept answer.
 * @param policy Content-Security-Policy, by directive
 */
export function safeHeadersOf(
  policy: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  const setAll = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: Object.fromEntries(Object.entries(policy).map(([name, sources]) => [name, [...sources]])),
    },
    hsts: false, // Whether there is TLS in front is not for this process to say.
  });
  setAll({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}

/**
 * Gives every answer the headers of `safeHeadersOf`, which a route may overwrite; one whose answer is kept gets them
 * with the answer. To be called before anything may refuse a request; what the router cannot read passes no hook.
 */
export function addSafeHeaders(app: FastifyInstance, headers: Readonly<Record<string, string>>): void {
  const isKept = ({ isOfJournal }: { readonly isOfJournal?: boolean }) => isOfJournal === true;
  app.addHook("onRequest", (request, reply, done) => {
    if (!isKept(request.routeOptions.config)) reply.headers(headers);
    done();
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    if (isKept(request.routeOptions.config)) reply.headers(headers);
    done(null, payload);
  });
}
