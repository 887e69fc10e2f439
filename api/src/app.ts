import type { Journal } from "@ballast/agent";
import etag from "@fastify/etag";
import helmet from "@fastify/helmet";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import packageJson from "../package.json" with { type: "json" };
import { sendProblem, sendUnknownRoute } from "./problem.ts";
import { dashboard } from "./routes/dashboard.ts";
import { decisions } from "./routes/decisions.ts";
import { forecasts } from "./routes/forecasts.ts";
import { type Artefacts, models } from "./routes/models.ts";
import { service } from "./routes/service.ts";
import { POINT_IN_TIME } from "./schemas.ts";
import { isPointInTime } from "./time.ts";

const { version } = packageJson;

export interface ApiOptions {
  /** Opened read-only; the caller closes it, after the service. */
  readonly journal: Journal;
  readonly artefacts: Artefacts;
  /** Folder of the built dashboard, as `buildDashboard` returns it; without one `/` leads to `/v1`. */
  readonly dashboard?: string | undefined;
  /** Fastify's; default: errors alone, as JSON lines on stderr. */
  readonly logger?: NonNullable<FastifyServerOptions["logger"]>;
}

/** The reference page brings all it needs with it; the default policy would also send plain HTTP to HTTPS. */
const DOCS_POLICY = {
  "default-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "frame-ancestors": ["'none'"],
};

/** The service without a socket: `inject` tests it, `startApi` gives it one. */
export async function createApi({
  journal,
  artefacts,
  dashboard: folder,
  logger,
}: ApiOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: logger ?? { level: "error", stream: process.stderr },
    // Nothing here takes a body, and nothing takes long.
    bodyLimit: 1_024,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: "idle",
    http: { maxHeaderSize: 8_192 },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
    ajv: {
      customOptions: {
        // A misspelt filter is an error, not a filter that is silently left out.
        removeAdditional: false,
        coerceTypes: true,
        formats: { [POINT_IN_TIME]: isPointInTime },
      },
    },
    frameworkErrors: sendProblem,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = 256;
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendUnknownRoute);

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { "default-src": ["'none'"], "frame-ancestors": ["'none'"] },
    },
    hsts: false, // Whether there is TLS in front is not for this process to say.
  });
  await app.register(etag);
  // Every answer may be kept and must be asked for again: what did not change costs a 304.
  app.addHook("onRequest", async (_request, reply) => void reply.header("cache-control", "no-cache"));
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Ballast",
        version,
        description:
          "Forecasts, decisions and their attestations, read-only. Wide integers are strings of digits.",
      },
    },
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: DOCS_POLICY,
    theme: { title: "Ballast API" },
    uiConfig: { validatorUrl: null },
  });

  await app.register(decisions, { journal });
  await app.register(forecasts, { journal });
  await app.register(models, { artefacts });
  await app.register(service, { journal, version });
  await app.register(dashboard, { folder });
  return app;
}
