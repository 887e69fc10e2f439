import { BallastError, DAY_MS, type UnixMillis, unixMillis } from "@ballast/data";
import { barsPerHour, modelBytes } from "@ballast/model";
import type { PanelMarket } from "../panel.ts";
import {
  type ActiveModel,
  type ModelPlan,
  type RetrainedModels,
  stoppedAt,
  toActiveModel,
} from "./models.ts";
import { type Checkpoint, type ModelCache, RunCorruptError } from "./store.ts";

/** What a failed fit waits before the next. */
const RETRY_MS = DAY_MS;

/** Which model forecasts at each bar close, asked in their order. */
export interface ModelWalk {
  /** Undefined where there is none yet. Throws the signal's reason. */
  at(t: UnixMillis): Promise<ActiveModel | undefined>;
  readonly models: Checkpoint["models"];
  readonly triedAt: number | null;
}

export interface ModelWalkPorts {
  readonly plan: ModelPlan;
  readonly market: PanelMarket;
  readonly cache: ModelCache;
  /** First bar close of the run. */
  readonly from: UnixMillis;
  /** Of a run that goes on. */
  readonly resumed: Pick<Checkpoint, "models" | "triedAt"> | undefined;
  /** Hears why a fit failed; the model before it serves on. */
  readonly onFailure: (at: UnixMillis, error: BallastError) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The models of a run. A fit at t is given a market that ends at t. Equal bars up to t give an equal model, whether it
 * was fitted now, by another policy of the same market, or before the run was stopped. Throws RunCorruptError where
 * they do not.
 */
export async function walkModels(ports: ModelWalkPorts): Promise<ModelWalk> {
  const { plan, market, cache, from, resumed, onFailure, signal } = ports;
  if (plan.kind === "none") return { at: async () => undefined, models: [], triedAt: null };
  if (plan.kind === "frozen") {
    const active = toActiveModel(plan.bytes);
    const { trainedUntil } = plan;
    return {
      at: async () => active,
      models: [{ from, modelId: active.modelId, trainedUntil }],
      triedAt: null,
    };
  }
  const models = [...(resumed?.models ?? [])];
  let triedAt = resumed?.triedAt ?? null;
  let active: ActiveModel | undefined;
  const load = async (until: number): Promise<ActiveModel> =>
    toActiveModel(await fitOrRead(plan, market, cache, unixMillis(until), signal));
  const last = models.at(-1);
  if (last !== undefined) {
    active = await load(last.trainedUntil);
    if (active.modelId !== last.modelId)
      throw new RunCorruptError(
        `the model of ${last.trainedUntil}`,
        `it is ${active.modelId}, not ${last.modelId}`,
      );
  }
  const isDue = (t: number): boolean => {
    if (market.past(unixMillis(t)).length / barsPerHour(market.intervalMs) < plan.leastHours) return false;
    const fitted = models.at(-1)?.trainedUntil ?? Number.NEGATIVE_INFINITY;
    if (triedAt !== null && triedAt > fitted && t < triedAt + RETRY_MS) return false;
    return t >= fitted + plan.everyMs;
  };
  return {
    async at(t) {
      if (!isDue(t)) return active;
      try {
        active = await load(t);
        models.push({ from: t, modelId: active.modelId, trainedUntil: t });
      } catch (error) {
        if (!(error instanceof BallastError) || signal?.aborted) throw error;
        onFailure(t, error);
      }
      triedAt = t;
      return active;
    },
    models,
    get triedAt() {
      return triedAt;
    },
  };
}

async function fitOrRead(
  plan: RetrainedModels,
  market: PanelMarket,
  cache: ModelCache,
  until: UnixMillis,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const kept = await cache.read(until);
  if (kept !== undefined) return kept;
  const bytes = modelBytes(await plan.fit(stoppedAt(market, until), until, signal));
  await cache.write(until, bytes);
  return bytes;
}
