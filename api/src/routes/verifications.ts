import { evidenceOf, type Journal } from "@ballast/agent";
import { BallastError, type Hex, isoTime, unixMillis } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { Static } from "typebox";
import { NotFoundError } from "../problem.ts";
import type { Reexecution } from "../reexecution.ts";
import * as schemas from "../schemas/decisions.ts";
import { Verification } from "../schemas/verifications.ts";
import { Problem } from "../schemas.ts";

/** Where this service cannot decide again. */
export class NoVerifyError extends BallastError {
  readonly code = "VERIFY_OFF";
  constructor() {
    super("This service verifies nothing. Fetch the evidence and run `ballast verify` on it.");
  }
}

/** Where nothing was signed yet. */
export class NotSignedError extends BallastError {
  readonly code = "NOT_SIGNED";
  constructor(hash: Hex) {
    super(`The decision ${hash} is not signed, so that there is nothing to verify yet.`);
  }
}

/** Results that are kept; the decisions themselves never change. */
const KEPT = 1_000;
const PATH = "/v1/decisions/:hash/verify";

export const verifications: FastifyPluginCallbackTypebox<{
  journal: Journal;
  reexecution: Reexecution | undefined;
  clock: () => number;
}> = (app, { journal, reexecution, clock }, done) => {
  const results = new Map<string, Static<typeof Verification>>();
  const underWay = new Map<string, Promise<Static<typeof Verification>>>();
  const find = (given: string, run: string | undefined) => {
    const entry = journal.get(given.toLowerCase() as Hex, run);
    if (entry === undefined) throw new NotFoundError("decision", given, "/v1/decisions");
    return { entry, key: `${entry.hash} ${entry.run}` };
  };

  async function verify({ entry, key }: ReturnType<typeof find>): Promise<Static<typeof Verification>> {
    if (reexecution === undefined) throw new NoVerifyError();
    const evidence = evidenceOf(journal, entry);
    if (evidence === undefined) throw new NotSignedError(entry.hash);
    const report = await reexecution.verify(entry, evidence);
    const result = { hash: entry.hash, run: entry.run, verifiedAt: isoTime(unixMillis(clock())), ...report };
    results.delete(key);
    results.set(key, result);
    for (const oldest of results.keys()) {
      if (results.size <= KEPT) break;
      results.delete(oldest);
    }
    return result;
  }

  app.post(
    PATH,
    {
      config: { scope: "submit" },
      schema: {
        tags: ["decisions"],
        summary: "Follow a decision from the market to its trades, and keep what was found",
        params: schemas.HashParams,
        querystring: schemas.DecisionQuery,
        response: {
          200: Verification,
          400: Problem,
          404: Problem,
          409: Problem,
          429: Problem,
          503: Problem,
        },
      },
    },
    ({ params, query }) => {
      const found = find(params.hash, query.run);
      // Who asks for the same at the same time gets the same.
      const running = underWay.get(found.key) ?? verify(found).finally(() => underWay.delete(found.key));
      underWay.set(found.key, running);
      return running;
    },
  );

  app.get(
    PATH,
    {
      schema: {
        tags: ["decisions"],
        summary: "What the last verification of a decision found",
        description: "Link by link from the market to the trades; post to the same address to verify it now.",
        params: schemas.HashParams,
        querystring: schemas.DecisionQuery,
        response: { 200: Verification, 400: Problem, 404: Problem },
      },
    },
    ({ params, query }) => {
      const { entry, key } = find(params.hash, query.run);
      const result = results.get(key);
      if (result === undefined)
        throw new NotFoundError(
          "verification",
          `of ${entry.hash}`,
          `POST /v1/decisions/${entry.hash}/verify`,
        );
      return result;
    },
  );
  done();
};
