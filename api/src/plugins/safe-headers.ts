import type { FastifyInstance } from "fastify";
import "@fastify/helmet";

/**
 * Gives the routes whose answers are kept the headers that helmet sets, worked out once instead of at each request,
 * where helmet takes longer than all the rest of a kept answer. To be called before helmet is registered;
 * what it returns, after.
 */
export function keepSafeHeaders(app: FastifyInstance): () => void {
  app.addHook("onRoute", (route) => {
    if (route.config?.isOfJournal === true) route.helmet = false;
  });
  let headers: Record<string, string> | undefined;
  return () => {
    app.addHook("onRequest", (request, reply, done) => {
      if (request.routeOptions.config.isOfJournal === true) {
        if (headers === undefined) {
          const others = new Set(reply.raw.getHeaderNames());
          reply.helmet();
          const own = Object.entries(reply.raw.getHeaders()).filter(([name]) => !others.has(name));
          headers = Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
        } else reply.headers(headers);
      }
      done();
    });
  };
}
