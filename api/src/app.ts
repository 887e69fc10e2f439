import { constants } from "node:zlib";
import type { Feed, Journal } from "@ballast/agent";
import compress from "@fastify/compress";
import etag from "@fastify/etag";
import helmet from "@fastify/helmet";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import packageJson from "../package.json" with { type: "json" };
import type { Artefacts } from "./manifests.ts";
import { keepAnswers } from "./plugins/answers.ts";
import { addFormats } from "./plugins/formats.ts";
import { keepSafeHeaders } from "./plugins/safe-headers.ts";
import { sendProblem, sendUnknownRoute } from "./problem.ts";
import { type Bars, bars } from "./routes/bars.ts";
import { datasets } from "./routes/datasets.ts";
import { decisions } from "./routes/decisions.ts";
import { forecasts } from "./routes/forecasts.ts";
import { models } from "./routes/models.ts";
import { outlooks } from "./routes/outlooks.ts";
import { service } from "./routes/service.ts";
import { type Snapshots, snapshots } from "./routes/snapshots.ts";
import { STREAM_DEFAULTS, type StreamOptions, streams } from "./routes/streams.ts";
import { POINT_IN_TIME } from "./schemas.ts";
import { isPointInTime } from "./time.ts";

const { version } = packageJson;

export interface ApiOptions {
  /** Opened read-only; the caller closes it, after the service. */
  readonly journal: Journal;
  readonly artefacts: Artefacts;
  /** What the streams follow; without it there are none. The caller closes it, after the service. */
  readonly feed?: Feed | undefined;
  readonly streams?: StreamOptions | undefined;
  /** Without them /v1/assets and /v1/bars say that there are none. */
  readonly bars?: Bars;
  readonly snapshots?: Snapshots;
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
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { journal, artefacts, feed, logger, ...ports } = options;
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
  // Beside the streams, which stay open.
  app.server.maxConnections =
    256 + (feed === undefined ? 0 : (options.streams?.inAll ?? STREAM_DEFAULTS.inAll));
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendUnknownRoute);

  const applySafeHeaders = keepSafeHeaders(app);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { "default-src": ["'none'"], "frame-ancestors": ["'none'"] },
    },
    hsts: false, // Whether there is TLS in front is not for this process to say.
  });
  applySafeHeaders();
  // Weak: the same answer may go out compressed or not.
  await app.register(etag, { weak: true });
  keepAnswers(app, journal);
  await app.register(compress, {
    threshold: 1_024,
    encodings: ["br", "gzip"],
    globalDecompression: false,
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
  });
  // Every answer may be kept and must be asked for again: what did not change costs a 304.
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header("cache-control", "no-cache");
    done();
  });
  addFormats(app);
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
  await app.register(outlooks, { journal });
  await app.register(bars, { bars: ports.bars });
  await app.register(snapshots, { journal, snapshots: ports.snapshots });
  await app.register(datasets, { artefacts });
  await app.register(models, { artefacts });
  if (feed !== undefined) await app.register(streams, { feed, options: options.streams });
  await app.register(service, { journal, version });
  return app;
}
