import type { FastifyRequest } from "fastify";
import "./plugins/keys.ts";

/** Who submits: the name of an API key, and whether it may do what belongs to others. */
export interface Submitter {
  readonly name: string;
  readonly isAdmin: boolean;
}

/** By the key of the request, else by its address. */
export const byKey = ({ caller }: FastifyRequest): Submitter => ({
  name: caller.id,
  isAdmin: caller.scope === "admin",
});
