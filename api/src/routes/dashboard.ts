import { sep } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync } from "fastify";

/** Scripts and styles of this server alone, none of them inline; charts are drawn on canvases and in SVG. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(";");
/** Names of these carry the hash of what they hold. */
const HASHED = `${sep}assets${sep}`;
const ONE_YEAR = "public, max-age=31536000, immutable";

/** The dashboard's page and its assets, as `buildDashboard` left them, compressed already. */
export const dashboard: FastifyPluginAsync<{ folder: string | undefined }> = async (app, { folder }) => {
  if (folder === undefined) {
    app.get("/", { schema: { hide: true } }, (_request, reply) => reply.redirect("/v1"));
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    // One route a file: what the folder does not have is answered as any unknown route.
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      reply.header("content-security-policy", PAGE_POLICY);
      reply.header("cache-control", path.includes(HASHED) ? ONE_YEAR : "no-cache");
    },
  });
};
