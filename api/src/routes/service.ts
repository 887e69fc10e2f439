import type { Journal } from "@ballast/agent";
import { isoTime } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toRun } from "../resources.ts";
import * as schemas from "../schemas/service.ts";
import { NoQuery } from "../schemas.ts";

export const service: FastifyPluginCallbackTypebox<{ journal: Journal; version: string }> = (
  app,
  { journal, version },
  done,
) => {
  app.get(
    "/v1/runs",
    {
      config: { isOfJournal: true },
      schema: {
        tags: ["runs"],
        summary: "Runs side by side: what each is made of and came to",
        description: "In the order of their first decision.",
        querystring: NoQuery,
        response: { 200: schemas.Runs },
      },
    },
    () => ({ items: journal.runs().map(toRun) }),
  );

  app.get(
    "/health",
    {
      schema: {
        tags: ["service"],
        summary: "Whether the service is up and can read its journal",
        description: "503 where it cannot; lastForecastAt says how old what it serves is.",
        response: { 200: schemas.Health, 503: schemas.Health },
      },
    },
    (request, reply) => {
      reply.header("cache-control", "no-store");
      try {
        const at = journal.latestForecast()?.at;
        const lastForecastAt = at === undefined ? null : isoTime(at);
        return { status: "ok" as const, version, journal: { isReady: true, lastForecastAt } };
      } catch (error) {
        request.log.error({ err: error }, "journal cannot be read");
        reply.code(503);
        return { status: "unavailable" as const, version, journal: { isReady: false, lastForecastAt: null } };
      }
    },
  );

  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  app.get("/v1", { schema: { hide: true } }, (_request, reply) =>
    reply.type("text/html; charset=utf-8").send(INDEX),
  );
  done();
};

const LINKS: readonly (readonly [string, string])[] = [
  ["/", "the dashboard, for people"],
  ["/v1/forecasts", "the latest forecast"],
  ["/v1/decisions", "decisions, newest first"],
  ["/v1/decisions?action=rebalance", "rebalances alone"],
  ["/v1/runs", "runs side by side"],
  ["/v1/models", "trained models"],
  ["/health", "is the service well?"],
  ["/docs", "every route and parameter, to try out"],
  ["/openapi.json", "the same for programs (OpenAPI 3.1)"],
];
const INDEX = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Ballast API</title>
<h1>Ballast API</h1>
<p>Forecasts, decisions and their attestations, read-only.</p>
<dl>
${LINKS.map(([path, what]) => `<dt><a href="${path}">${path}</a></dt><dd>${what}</dd>`).join("\n")}
<dt>/v1/decisions/{hash}</dt><dd>one decision with the forecast it used</dd>
<dt>/v1/attestations/{uid}</dt><dd>an attestation and how to verify it</dd>
</dl>
</html>
`;
