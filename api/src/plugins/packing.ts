import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { negotiate } from "@fastify/accept-negotiator";
import type { FastifyRequest } from "fastify";

/** The one that is preferred first. */
export const ENCODINGS = ["br", "gzip"] as const;
export type Encoding = (typeof ENCODINGS)[number];
/** Bytes from which an answer is compressed. */
export const PACKED_FROM = 1_024;
/** Of the quality that compresses about as fast as gzip, and smaller. */
export const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const TEXT = /^text\/|\bjson\b/;

/** How the request wants this answer compressed; undefined for not at all. RFC 9110 §12.5.3. */
export function encodingFor(
  { headers }: Pick<FastifyRequest, "headers">,
  contentType: string,
  length: number,
): Encoding | undefined {
  const accepted = headers["accept-encoding"];
  if (accepted === undefined || length < PACKED_FROM || !TEXT.test(contentType)) return undefined;
  return (negotiate(String(accepted).toLowerCase(), [...ENCODINGS]) ?? undefined) as Encoding | undefined;
}

const pack = { br: promisify(brotliCompress), gzip: promisify(gzip) };

export const toPacked = (bytes: Buffer, encoding: Encoding): Promise<Buffer> =>
  encoding === "br" ? pack.br(bytes, BROTLI) : pack.gzip(bytes);
