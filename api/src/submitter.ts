import type { FastifyRequest } from "fastify";

/** Who submits: the name of an API key, and whether it may do what belongs to others. */
export interface Submitter {
  readonly name: string;
  readonly isAdmin: boolean;
}

/** Of a service that asks for no keys: everybody is the same. */
export const anybody = (_request: FastifyRequest): Submitter => ({ name: "anybody", isAdmin: true });
