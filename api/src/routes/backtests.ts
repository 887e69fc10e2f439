import { BallastError } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { type Static, type TSchema, Type } from "typebox";
import { Errors } from "typebox/value";
import type { BacktestJob, BacktestJobs } from "../backtest-jobs.ts";
import { eventStream } from "../event-stream.ts";
import { holderOf } from "../plugins/limits.ts";
import { NotFoundError } from "../problem.ts";
import * as schemas from "../schemas/backtests.ts";
import { NoQuery, Problem } from "../schemas.ts";
import { seats } from "../streams/seats.ts";
import type { Submitter } from "../submitter.ts";
import { STREAM_DEFAULTS } from "./streams.ts";

/** Where this service runs no backtests. */
export class NoBacktestsError extends BallastError {
  readonly code = "BACKTESTS_OFF";
  constructor() {
    super("This service runs no backtests. Start it with `ballast serve --data <name>=<folder of bars>`.");
  }
}

/** Where a backtest belongs to another key. */
export class NotYoursError extends BallastError {
  readonly code = "NOT_YOURS";
  constructor(id: string) {
    super(
      `The backtest ${id} was submitted with another key. Cancel it with that one, or with one of scope admin.`,
    );
  }
}

/** Room for 32 policies with all of their parameters. */
const BODY_LIMIT = 65_536;
/** Twice as deep as any setting lies: what is nested deeper than a stack reaches could not even be written again. */
const MOST_LEVELS = 16;
const PATH = "/v1/backtests";
const asText = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: Type.String() } },
});
/** The page's script and styles are in it; nothing else may be loaded, and it may not act for this origin. */
const REPORT_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; sandbox allow-scripts";

/**
 * Without Ajv's coercion: in a body a number is a number, and null is not zero. In Ajv's own terms, so that `toProblem`
 * reads the errors as it reads Ajv's.
 */
const strictly =
  ({ schema }: { readonly schema: TSchema }) =>
  (value: unknown) => {
    if (!isWithin(value, MOST_LEVELS))
      return {
        error: [
          {
            keyword: "depth",
            instancePath: "/body",
            params: {},
            message: `has more than ${MOST_LEVELS} levels`,
          },
        ] as never,
      };
    const errors = Errors(schema, value);
    if (errors.length === 0) return { value };
    // An unknown key before all: what else is wrong may be but its consequence.
    const first = errors.find(({ keyword }) => keyword === "additionalProperties") ?? errors[0]!;
    const params =
      first.keyword === "additionalProperties"
        ? { additionalProperty: first.params.additionalProperties[0] }
        : first.keyword === "enum"
          ? { allowedValues: first.params.allowedValues }
          : first.params;
    return { error: [{ ...first, params }] as never };
  };

const isWithin = (value: unknown, levels: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (levels > 0 && Object.values(value).every((one) => isWithin(one, levels - 1)));

export const backtests: FastifyPluginCallbackTypebox<{
  jobs: BacktestJobs | undefined;
  submitterOf: (request: FastifyRequest) => Submitter;
}> = (app, { jobs, submitterOf }, done) => {
  const closing = new AbortController();
  const places = seats(STREAM_DEFAULTS);
  app.addHook("preClose", async () => closing.abort());
  const need = (): BacktestJobs => {
    if (jobs === undefined) throw new NoBacktestsError();
    return jobs;
  };
  const find = async (id: string): Promise<BacktestJob> => {
    const job = await need().get(id);
    if (job === undefined) throw new NotFoundError("backtest", id, PATH);
    return job;
  };
  const problems = { 400: Problem, 404: Problem };

  app.get(
    `${PATH}/data-sets`,
    {
      schema: {
        tags: ["backtests"],
        summary: "Data sets that a backtest may choose from",
        description: "By the names that this server gave them.",
        querystring: NoQuery,
        response: { 200: schemas.DataSets, 404: Problem },
      },
    },
    async () => ({
      items: (await need().dataSets()).map(({ from, until, ...set }) => ({
        ...set,
        assets: [...set.assets],
        from: new Date(from).toISOString(),
        until: new Date(until).toISOString(),
      })),
    }),
  );

  app.post(
    PATH,
    {
      config: { scope: "submit" },
      bodyLimit: BODY_LIMIT,
      validatorCompiler: strictly as never,
      schema: {
        tags: ["backtests"],
        summary: "Submit a backtest: policies side by side over one market",
        body: schemas.BacktestRequest,
        response: { 202: schemas.Backtest, ...problems, 409: Problem, 413: Problem, 429: Problem },
      },
    },
    async (request, reply) => {
      const job = toBacktest(await need().submit(request.body, submitterOf(request).name));
      return reply.code(202).header("location", job.links.self).send(job);
    },
  );

  app.get(
    PATH,
    {
      schema: {
        tags: ["backtests"],
        summary: "Backtests, newest first",
        description: "Those of everybody; each with its state and progress.",
        querystring: schemas.BacktestsQuery,
        response: { 200: schemas.BacktestPage, ...problems },
      },
    },
    async ({ query: { cursor, limit = 50 } }) => {
      const { items, nextCursor } = await need().list({ cursor, limit });
      return { items: items.map(toBacktest), nextCursor: nextCursor ?? null };
    },
  );

  app.get(
    `${PATH}/:id`,
    {
      schema: {
        tags: ["backtests"],
        summary: "A backtest's state, progress and, once it is done, its figures",
        description: "The figures are those of `ballast backtest` on the same settings.",
        params: schemas.BacktestParams,
        querystring: NoQuery,
        response: { 200: schemas.BacktestDetail, ...problems },
      },
    },
    async ({ params: { id } }) => {
      const job = await find(id);
      return { ...toBacktest(job), result: (await need().result(id)) ?? null };
    },
  );

  app.delete(
    `${PATH}/:id`,
    {
      config: { scope: "submit" },
      schema: {
        tags: ["backtests"],
        summary: "Cancel a backtest that is queued or running",
        params: schemas.BacktestParams,
        querystring: NoQuery,
        response: { 200: schemas.Backtest, ...problems, 403: Problem, 409: Problem },
      },
    },
    async (request) => {
      const { id, owner } = await find(request.params.id);
      const { name, isAdmin } = submitterOf(request);
      if (name !== owner && !isAdmin) throw new NotYoursError(id);
      return toBacktest(await need().cancel(id));
    },
  );

  app.get(
    `${PATH}/:id/events`,
    {
      schema: {
        tags: ["backtests"],
        summary: "Server-Sent Events: the backtest at each change, until its end",
        description:
          "Each event is called `backtest` and holds it as `GET /v1/backtests/:id` does, without the result.",
        params: schemas.BacktestParams,
        querystring: NoQuery,
        response: { 200: asText("text/event-stream", "Events"), ...problems },
      },
    },
    async (request, reply) => {
      const { id } = await find(request.params.id);
      if (reply.raw.destroyed) return void reply.hijack();
      const release = places.take(holderOf(request.ip));
      // A client that goes away has a close alone, an injected request a finish alone.
      reply.raw.once("finish", release).once("close", release);
      eventStream(request, reply, closing.signal, (emit, end) => {
        const show = (job: BacktestJob) => {
          emit("backtest", JSON.stringify(toBacktest(job)));
          if (job.endedAt !== null) end();
        };
        return need().watch(id, show);
      });
      return reply;
    },
  );

  app.get(
    `${PATH}/:id/report`,
    {
      schema: {
        tags: ["backtests"],
        summary: "The page that compares the policies: frontier, costs, weights with every trade",
        description: "Self-contained HTML, once the backtest is done.",
        params: schemas.BacktestParams,
        querystring: NoQuery,
        response: { 200: asText("text/html", "The page"), ...problems },
      },
    },
    async ({ params: { id } }, reply) => {
      const page = await need().read((await find(id)).id, "report");
      if (page === undefined) throw new NotFoundError("report", id, `${PATH}/${id}`);
      return reply
        .type("text/html; charset=utf-8")
        .header("content-security-policy", REPORT_POLICY)
        .send(page);
    },
  );

  app.get(
    `${PATH}/:id/records/:label`,
    {
      schema: {
        tags: ["backtests"],
        summary: "A policy's record: value, weights and prices at each bar, and each trade",
        description: "As `ballast backtest` writes it, once the backtest is done.",
        params: schemas.RecordParams,
        querystring: NoQuery,
        response: { 200: asText("application/json", "As `ballast backtest` writes it"), ...problems },
      },
    },
    async ({ params: { id, label } }, reply) => {
      const record = await need().read((await find(id)).id, { record: label });
      if (record === undefined) throw new NotFoundError("record", `of ${label}`, `${PATH}/${id}`);
      return reply.type("application/json; charset=utf-8").send(record);
    },
  );
  done();
};

function toBacktest(job: BacktestJob): Static<typeof schemas.Backtest> {
  const self = `${PATH}/${job.id}`;
  const isDone = job.state === "done";
  const { policies = [{ name: "threshold" }] } = job.request as Static<typeof schemas.BacktestRequest>;
  return {
    ...job,
    links: {
      self,
      events: `${self}/events`,
      report: isDone ? `${self}/report` : null,
      records: isDone
        ? Object.fromEntries(policies.map(({ name, label = name }) => [label, `${self}/records/${label}`]))
        : {},
    },
  };
}
