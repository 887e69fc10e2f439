import type { Feed, Journal } from "@ballast/agent";
import compress from "@fastify/compress";
import cors from "@fastify/cors";
import etag from "@fastify/etag";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from "fastify";
import packageJson from "../package.json" with { type: "json" };
import type { BacktestJobs } from "./backtest-jobs.ts";
import { type Settings, toSettings } from "./config.ts";
import type { Artefacts } from "./manifests.ts";
import { keepAnswers } from "./plugins/answers.ts";
import { addFormats } from "./plugins/formats.ts";
import { guardHosts } from "./plugins/hosts.ts";
import { guardByKeys } from "./plugins/keys.ts";
import { limitRates } from "./plugins/limits.ts";
import { toLogger, toRequestId, toRequestLog } from "./plugins/logging.ts";
import { measure } from "./plugins/metrics.ts";
import { BROTLI, ENCODINGS, PACKED_FROM } from "./plugins/packing.ts";
import { addSafeHeaders, safeHeadersOf } from "./plugins/safe-headers.ts";
import { shed } from "./plugins/shedding.ts";
import { InvalidParameterError, refuseUnparsed, sendProblem, sendUnknownRoute } from "./problem.ts";
import type { Reexecution } from "./reexecution.ts";
import { backtests } from "./routes/backtests.ts";
import { type Bars, bars } from "./routes/bars.ts";
import { dashboard } from "./routes/dashboard.ts";
import { datasets } from "./routes/datasets.ts";
import { decisions } from "./routes/decisions.ts";
import { forecasts } from "./routes/forecasts.ts";
import { modelMetrics, type Promotions } from "./routes/model-metrics.ts";
import { models } from "./routes/models.ts";
import { outlooks } from "./routes/outlooks.ts";
import { ready } from "./routes/ready.ts";
import { service } from "./routes/service.ts";
import { type Snapshots, snapshots } from "./routes/snapshots.ts";
import { STREAM_DEFAULTS, type StreamOptions, streams } from "./routes/streams.ts";
import { vaults } from "./routes/vaults.ts";
import { verifications } from "./routes/verifications.ts";
import { POINT_IN_TIME, Problem } from "./schemas.ts";
import { scoredModels } from "./scored-models.ts";
import { byKey, type Submitter } from "./submitter.ts";
import { isPointInTime } from "./time.ts";
import type { Vaults } from "./vaults.ts";

const { version } = packageJson;

export interface ApiOptions {
  /** Opened read-only; the caller closes it, after the service. */
  readonly journal: Journal;
  readonly artefacts: Artefacts;
  /** Those of `toSettings`; what is left out has its default. */
  readonly settings?: Partial<Settings>;
  /** What the streams follow, and /ready asks; without it there are no streams. The caller closes it, after the service. */
  readonly feed?: Feed | undefined;
  readonly streams?: StreamOptions | undefined;
  /** Where the journal lies: /ready looks at the free space there. */
  readonly folder?: string;
  /** Without them /v1/assets and /v1/bars say that there are none. */
  readonly bars?: Bars;
  readonly snapshots?: Snapshots;
  /** Runs backtests; absent where this service runs none. */
  readonly backtests?: BacktestJobs | undefined;
  /** Which model served when; absent where nobody promotes. */
  readonly promotions?: Promotions | undefined;
  /** Vaults on their chain; absent where this service has no node. */
  readonly vaults?: Vaults | undefined;
  /** Decides again; absent where this service cannot. */
  readonly reexecution?: Reexecution | undefined;
  /** Who asks; default: by the key of the request. */
  readonly submitterOf?: ((request: FastifyRequest) => Submitter) | undefined;
  /** ms; default: the system's. */
  readonly clock?: (() => number) | undefined;
  /** Folder of the built dashboard, as `buildDashboard` returns it; without one `/` leads to `/v1`. */
  readonly dashboard?: string | undefined;
  /** Fastify's; default: JSON lines on stderr, of the settings' level. */
  readonly logger?: NonNullable<FastifyServerOptions["logger"]>;
}

const SAFE_HEADERS = safeHeadersOf({ "default-src": ["'none'"], "frame-ancestors": ["'none'"] });
/** The reference page brings all it needs with it; the default policy would also send plain HTTP to HTTPS. */
const DOCS_POLICY = {
  "default-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "frame-ancestors": ["'none'"],
};

/** The service without a socket: `inject` tests it, `startApi` gives it one. Errors: ApiSettingError and those of `readKeys`. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { journal, artefacts, clock = Date.now, ...ports } = options;
  const settings = toSettings(options.settings);
  const app = Fastify({
    logger: toLogger(options.logger ?? { level: settings.logLevel, stream: process.stderr }),
    childLoggerFactory: toRequestLog,
    genReqId: toRequestId,
    trustProxy: settings.trustProxy.length > 0 && settings.trustProxy,
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: "idle",
    // `shed` says so in the form of every other problem.
    return503OnClosing: false,
    http: {
      maxHeaderSize: 8_192,
      headersTimeout: settings.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, settings.requestTimeoutMs / 2),
    },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
    ajv: {
      customOptions: {
        // A misspelt filter is an error, not a filter that is silently left out.
        removeAdditional: false,
        coerceTypes: true,
        // With the value, for the answer to name it.
        verbose: true,
        formats: { [POINT_IN_TIME]: isPointInTime },
      },
    },
    // No hook sees what the router cannot read.
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply.headers(SAFE_HEADERS)),
    clientErrorHandler: refuseUnparsed,
  }).withTypeProvider<TypeBoxTypeProvider>();
  // Beside the streams, which stay open.
  app.server.maxConnections =
    settings.maxConnections +
    (ports.feed === undefined ? 0 : (ports.streams?.inAll ?? STREAM_DEFAULTS.inAll));
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendUnknownRoute);

  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    done();
  });
  // Before anything may refuse the request, so that a page of another origin may read why.
  addSafeHeaders(app, SAFE_HEADERS);
  if (settings.cors.length > 0)
    await app.register(cors, {
      origin: settings.cors.includes("*") ? "*" : settings.cors,
      methods: ["GET", "HEAD", "POST", "DELETE"],
      allowedHeaders: ["authorization", "content-type", "if-none-match", "last-event-id", "x-request-id"],
      exposedHeaders: ["etag", "retry-after", "x-request-id"],
      maxAge: 600,
    });
  guardHosts(app, settings);
  const load = shed(app, settings);
  measure(app, load);
  const keys = guardByKeys(app, settings);
  keys.identify();
  await limitRates(app, settings);
  keys.authorise();
  // At once: a body that nobody reads is not waited for.
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) sendUnknownRoute(request, reply);
    else done();
  });
  app.addHook("onRoute", ({ schema, url }) => {
    if (schema?.response === undefined || !url.startsWith("/v1/")) return;
    const problems = { 401: Problem, 403: Problem, 421: Problem, 429: Problem, 503: Problem };
    schema.response = { ...problems, ...schema.response };
    schema.security ??= [{ key: [] }];
  });
  // Ajv turns "Infinity" and "1e999" into a number that it then holds to no minimum and no maximum.
  app.addHook("preHandler", ({ query }, _reply, done) => {
    for (const [name, value] of Object.entries(query as object))
      if (typeof value === "number" && !Number.isFinite(value))
        return done(new InvalidParameterError(name, value, "a finite number"));
    done();
  });
  // Weak: the same answer may go out compressed or not.
  await app.register(etag, { weak: true });
  keepAnswers(app, journal);
  await app.register(compress, {
    threshold: PACKED_FROM,
    encodings: [...ENCODINGS],
    globalDecompression: false,
    brotliOptions: BROTLI,
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
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
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
  if (ports.feed !== undefined)
    await app.register(streams, { feed: ports.feed, options: ports.streams, origins: settings.cors });
  await app.register(modelMetrics, { readModels: scoredModels(artefacts), promotions: ports.promotions });
  await app.register(vaults, { journal, chain: ports.vaults, clock });
  await app.register(verifications, { journal, reexecution: ports.reexecution, clock });
  await app.register(backtests, { jobs: ports.backtests, submitterOf: ports.submitterOf ?? byKey });
  await app.register(service, { journal, version });
  await app.register(ready, {
    journal,
    load,
    feed: ports.feed,
    folder: ports.folder,
    minFreeMb: settings.minFreeMb,
  });
  await app.register(dashboard, { folder: ports.dashboard });
  return app;
}
