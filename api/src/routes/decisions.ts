import { evidenceOf, type Journal } from "@ballast/agent";
import type { Hex } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toDecisionTable } from "../journal-tables.ts";
import { NotFoundError } from "../problem.ts";
import { toAttestation, toDecision, toDecisionDetail, toEvidenceFile, toPage } from "../resources.ts";
import { Attestation, EvidenceFile, UidParams } from "../schemas/attestations.ts";
import * as schemas from "../schemas/decisions.ts";
import { NoQuery, Problem } from "../schemas.ts";
import { toTime } from "../time.ts";

export const decisions: FastifyPluginCallbackTypebox<{ journal: Journal }> = (app, { journal }, done) => {
  app.get(
    "/v1/decisions",
    {
      config: { table: { toTable: toDecisionTable }, isOfJournal: true },
      schema: {
        tags: ["decisions"],
        summary: "Decisions, newest first",
        description:
          "Rebalances and holds, with their reason in numbers; a table has a row a decision and counts its trades.",
        querystring: schemas.DecisionsQuery,
        response: { 200: schemas.DecisionPage, 400: Problem },
      },
    },
    ({ query: { from, to, limit = 50, ...filters } }) =>
      toPage(journal.list({ ...filters, from: toTime(from), to: toTime(to), limit }), toDecision),
  );

  app.get(
    "/v1/decisions/:hash",
    {
      config: { isOfJournal: true },
      schema: {
        tags: ["decisions"],
        summary: "One decision with the forecast it used",
        description: "Also where each weight goes by that forecast if nobody trades.",
        params: schemas.HashParams,
        querystring: schemas.DecisionQuery,
        response: { 200: schemas.DecisionDetail, 400: Problem, 404: Problem },
      },
    },
    ({ params, query }) => {
      const entry = journal.get(params.hash.toLowerCase() as Hex, query.run);
      if (entry === undefined) throw new NotFoundError("decision", params.hash, "/v1/decisions");
      return toDecisionDetail(entry);
    },
  );

  const findAttested = (given: string) => {
    const uid = given.toLowerCase() as Hex;
    const entry = journal.getByUid(uid);
    const evidence = entry && evidenceOf(journal, entry);
    if (evidence === undefined) throw new NotFoundError("attestation", given, "/v1/decisions");
    return { uid, entry: entry!, evidence: toEvidenceFile(entry!, evidence) };
  };

  app.get(
    "/v1/attestations/:uid",
    {
      config: { isOfJournal: true },
      schema: {
        tags: ["attestations"],
        summary: "An attestation, what it attests, and how to verify it",
        description: "By the uid of the off-chain or of the on-chain attestation.",
        params: UidParams,
        querystring: NoQuery,
        response: { 200: Attestation, 400: Problem, 404: Problem },
      },
    },
    ({ params }) => {
      const { uid, entry, evidence } = findAttested(params.uid);
      return toAttestation(uid, entry, evidence);
    },
  );

  app.get(
    "/v1/attestations/:uid/evidence",
    {
      config: { isOfJournal: true },
      schema: {
        tags: ["attestations"],
        summary: "The evidence alone: the file that `ballast verify` reads",
        description: "Save it as it is: whoever has it can check the decision without this server.",
        params: UidParams,
        querystring: NoQuery,
        response: { 200: EvidenceFile, 400: Problem, 404: Problem },
      },
    },
    ({ params }) => findAttested(params.uid).evidence,
  );
  done();
};
