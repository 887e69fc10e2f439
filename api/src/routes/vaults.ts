import type { Journal, JournalEntry } from "@ballast/agent";
import { ACTION } from "@ballast/attest";
import { BallastError, type Hex, isoTime } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger } from "fastify";
import type { Static } from "typebox";
import { NotFoundError } from "../problem.ts";
import { toPage } from "../resources.ts";
import * as schemas from "../schemas/vaults.ts";
import { NoQuery, Problem } from "../schemas.ts";
import { toTime } from "../time.ts";
import { inputsOf, type LiveVault, toVault, type Vaults } from "../vaults.ts";

/** A node is asked at most so often for the same vault, however many ask. */
const FRESH_MS = 2_000;
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

export const vaults: FastifyPluginCallbackTypebox<{
  journal: Journal;
  chain: Vaults | undefined;
  clock: () => number;
}> = (app, { journal, chain, clock }, done) => {
  const latest = (): JournalEntry[] => journal.runs().flatMap(({ run }) => journal.last(run) ?? []);
  const find = (given: string, run: string | undefined): JournalEntry => {
    const address = given.toLowerCase();
    const known = latest().filter(
      (entry) => entry.decision.vault.toLowerCase() === address && (run === undefined || entry.run === run),
    );
    // The first of those that decided last, in the order of their runs.
    const [entry] = known.toSorted((a, b) => b.at - a.at);
    if (entry === undefined) throw new NotFoundError("vault", given, "/v1/vaults");
    return entry;
  };

  const asked = new Map<string, { readonly at: number; readonly answer: Promise<LiveVault> }>();
  function ask(from: Vaults, entry: JournalEntry): Promise<LiveVault> {
    const key = `${entry.run} ${entry.hash}`;
    const known = asked.get(key);
    if (known !== undefined && clock() - known.at < FRESH_MS) return known.answer;
    const assets = inputsOf(entry)?.state.holdings ?? entry.watch?.holdings ?? [];
    const answer = from.read(
      entry.decision.vault as Hex,
      assets.map(({ asset }) => asset),
      entry,
    );
    for (const [old, { at }] of asked) if (clock() - at >= FRESH_MS) asked.delete(old);
    asked.set(key, { at: clock(), answer });
    return answer;
  }

  /** A node that does not answer makes the vault older, not unknown. */
  async function show(entry: JournalEntry, log: FastifyBaseLogger): Promise<Static<typeof schemas.Vault>> {
    if (chain === undefined) return toVault(entry, undefined, null);
    try {
      return toVault(entry, await ask(chain, entry), null);
    } catch (error) {
      log.error({ err: error }, "the chain could not be asked");
      const code = error instanceof BallastError ? error.code : "NODE";
      return toVault(entry, undefined, {
        code,
        detail: "The chain could not be asked; this is as the last decision knew the vault.",
      });
    }
  }

  app.get(
    "/v1/vaults",
    {
      schema: {
        tags: ["vaults"],
        summary: "Vaults that are decided for: weights, bands, guards and which would bind next",
        description: "As their last decisions knew them.",
        querystring: NoQuery,
        response: { 200: schemas.VaultsList },
      },
    },
    () => ({ items: latest().map((entry) => toVault(entry, undefined, null)) }),
  );

  app.get(
    "/v1/vaults/:address",
    {
      schema: {
        tags: ["vaults"],
        summary: "A vault, live where this service has a node, else as its last decision knew it",
        description: "`problem` says why it is not live where a node was asked and failed.",
        params: schemas.VaultParams,
        querystring: schemas.VaultQuery,
        response: { 200: schemas.Vault, 400: Problem, 404: Problem },
      },
    },
    ({ params, query, log }) => show(find(params.address, query.run), log),
  );

  app.get(
    "/v1/vaults/:address/weights",
    {
      schema: {
        tags: ["vaults"],
        summary: "The weights that each decision read, newest first",
        description: "One item a decision.",
        params: schemas.VaultParams,
        querystring: schemas.WeightsQuery,
        response: { 200: schemas.WeightsPage, 400: Problem, 404: Problem },
      },
    },
    ({ params, query: { run: wanted, from, to, cursor, limit = 50 } }) => {
      const { run } = find(params.address, wanted);
      const page = journal.list({ run, from: toTime(from), to: toTime(to), cursor, limit });
      return toPage(page, toWeights);
    },
  );
  done();
};

function toWeights(entry: JournalEntry): Static<typeof schemas.WeightsPage>["items"][number] {
  const holdings = entry.watch?.holdings ?? [];
  return {
    at: isoTime(entry.at),
    decision: entry.hash,
    assets: holdings.map(({ asset }) => asset),
    weights: entry.weights.map(finite),
    targets: holdings.map(({ target }) => target),
    bands: holdings.map(({ band }) => band),
    isBreached: entry.isBreached,
    breachProbability: finite(entry.breachProbability),
    action: entry.decision.action === ACTION.rebalance ? "rebalance" : "hold",
    stage: entry.stage,
  };
}
