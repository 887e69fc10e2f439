import { type Notary, readProposal } from "@ballast/attest";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { toLogger, toRequestId } from "./plugins/logging.ts";
import { addSafeHeaders, safeHeadersOf } from "./plugins/safe-headers.ts";
import { refuseUnparsed, sendProblem, sendUnknownRoute } from "./problem.ts";
import * as schemas from "./schemas/notary.ts";
import { Problem } from "./schemas.ts";

/** 721 hours of minute bars of four assets are 7 MB, and a third more in base64. */
const LARGEST_BODY = 16 * 1024 * 1024;
/** An exchange may take its time. */
const SLOWEST_REQUEST_MS = 60_000;
const SAFE_HEADERS = safeHeadersOf({ "default-src": ["'none'"] });

export interface NotaryApiOptions {
  readonly notary: Notary & { readonly address: string };
  /** Where its own data come from, in words; and what it tolerates. */
  readonly about: {
    readonly source: string;
    readonly featureTolerance: number;
    readonly priceToleranceBps: number;
  };
  /** Fastify's; default: errors alone, as JSON lines on stderr. */
  readonly logger?: NonNullable<FastifyServerOptions["logger"]>;
}

/** A notary's service without a socket: `POST /v1/statements` and `GET /health`. */
export async function createNotaryApi({ notary, about, logger }: NotaryApiOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: toLogger(logger ?? { level: "error", stream: process.stderr }),
    genReqId: toRequestId,
    bodyLimit: LARGEST_BODY,
    requestTimeout: SLOWEST_REQUEST_MS,
    connectionTimeout: 2 * SLOWEST_REQUEST_MS,
    keepAliveTimeout: 5_000,
    forceCloseConnections: "idle",
    http: { maxHeaderSize: 8_192, headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply.headers(SAFE_HEADERS)),
    clientErrorHandler: refuseUnparsed,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = 32;
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendUnknownRoute);
  addSafeHeaders(app, SAFE_HEADERS);

  app.get("/health", { schema: { response: { 200: schemas.NotaryHealth } } }, () => ({
    status: "ok" as const,
    notary: notary.address,
    ...about,
  }));

  app.post(
    "/v1/statements",
    { schema: { body: schemas.Proposal, response: { 200: schemas.Notarised, "4xx": Problem } } },
    async ({ body }) => {
      const { signature, judgement } = await notary.notarise(
        readProposal(body),
        AbortSignal.timeout(SLOWEST_REQUEST_MS),
      );
      const found =
        judgement.kind === "equal" ? judgement : { ...judgement, notSame: [...judgement.notSame] };
      return { notary: notary.address, signature, judgement: found };
    },
  );
  return app;
}
