import type { FastifyRequest } from "fastify";

/** Who asks: the name of an API key, and whether it may do what belongs to others. */
export interface Caller {
  readonly name: string;
  readonly isAdmin: boolean;
}

/** Of a service that asks for no keys: everybody is the same. */
export const anybody = (_request: FastifyRequest): Caller => ({ name: "anybody", isAdmin: true });
