import { setImmediate } from "node:timers/promises";
import {
  DECIDE_DEFAULTS,
  type DecideOptions,
  type Journal,
  POLICIES,
  type Policy,
  policyOf,
} from "@ballast/agent";
import { BallastError, isoTime, type Progress, type UnixMillis, unixMillis } from "@ballast/data";
import { lookbackBars } from "@ballast/model";
import type { Execution } from "../backtest/execution.ts";
import type { PanelMarket } from "../panel.ts";
import { assembleRecord } from "./assemble.ts";
import { openCourse, type Step } from "./course.ts";
import { fillNotes } from "./coverage.ts";
import { checkModelPlan, type ModelPlan } from "./models.ts";
import { openNotes } from "./notes.ts";
import { checkPortfolio, type Portfolio } from "./portfolio.ts";
import {
  BadTermsError,
  type GasTerms,
  gasAssumptions,
  type HaltedInterval,
  openFees,
  openQuotes,
} from "./quotes.ts";
import type { BacktestRecord } from "./record.ts";
import type { Checkpoint, ModelCache, RunStore } from "./store.ts";
import type { VaultTerms } from "./vault.ts";
import { walkModels } from "./walk.ts";
import { openWriter } from "./writer.ts";

/** One policy's backtest: all that its record depends on. */
export interface BacktestSpec {
  /** Label, unique in a comparison. */
  readonly name: string;
  readonly policy: Policy;
  /** Makes the policy of a name and parameters; default: the agent's `policyOf`. */
  readonly revive?: ((policy: Checkpoint["policy"]) => Policy) | undefined;
  readonly market: PanelMarket;
  readonly portfolio: Portfolio;
  readonly terms: VaultTerms;
  readonly gas: GasTerms;
  readonly execution: Execution;
  readonly models: ModelPlan;
  /** First and last bar close at which is decided. */
  readonly from: UnixMillis;
  readonly to: UnixMillis;
  /** Whole bars from 0 between a decision and its execution at that bar's close. Default 1. */
  readonly latency?: number | undefined;
  /** Default: the agent's own, but a decision lives at least until it is executed. */
  readonly decideOptions?: DecideOptions | undefined;
  readonly halts?: readonly HaltedInterval[] | undefined;
}

export interface BacktestContext {
  readonly store: RunStore;
  readonly cache: ModelCache;
  /** Bars between two checkpoints, from 1. Default 1000. */
  readonly checkpointBars?: number | undefined;
  readonly journal?: Journal | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onStep?: ((step: Step) => void) | undefined;
}

export class PeriodTooEarlyError extends BallastError {
  readonly code = "PERIOD_TOO_EARLY";
  readonly earliest: UnixMillis;
  constructor(from: UnixMillis, earliest: UnixMillis) {
    super(
      `The backtest begins at ${isoTime(from)}, and a snapshot needs bars before that: the earliest possible begin is ` +
        `${isoTime(earliest)}. Begin later, or load an earlier history.`,
    );
    this.earliest = earliest;
  }
}

/** How often the loop lets an interrupt through, bars. */
const TURN_BARS = 16;
const CHECKPOINT_BARS = 1000;

/** The options a decision is made with by default. */
export const toDecideOptions = (latency: number, barMs: number): DecideOptions => ({
  ...DECIDE_DEFAULTS,
  lifetimeSeconds: DECIDE_DEFAULTS.lifetimeSeconds + (latency * barMs) / 1000,
});

/**
 * Runs a policy through a market bar by bar: bar closes, what is due is executed, snapshot, forecast by the model that
 * existed then, the agent's own `decide`, journal. Reads history through `past(t)` alone. Goes on from the store's
 * checkpoint where there is one; equal arguments give an equal record, whether it was stopped or not. Once the signal
 * is aborted it leaves a checkpoint and throws the signal's reason.
 *
 * Throws BadPortfolioError, WeightsNotOneError, BandOverlapsZeroError, BadTermsError, AssetWithoutBarsError,
 * PeriodTooEarlyError, ModelSawTheFutureError, PolicyFailedError, BadCostError, CostsExceedVaultError,
 * TradeExceedsPoolError and RunCorruptError; the checkpoint before stays as it was.
 */
export async function runBacktest(spec: BacktestSpec, context: BacktestContext): Promise<BacktestRecord> {
  const { name, market, portfolio, from, latency = 1, halts = [], gas } = spec;
  const { store, signal, onProgress, checkpointBars = CHECKPOINT_BARS } = context;
  const bars = checkSpec(spec);
  const quoteAt = openQuotes(market, portfolio, gas, halts);
  const resumed = await store.load();
  const notes = openNotes(resumed?.notes);
  const others = portfolio.assets.slice(1).map(({ asset }) => asset);
  if (resumed === undefined)
    for (const line of [...gasAssumptions(market, gas, from), ...fillNotes(market, others, from, spec.to)])
      notes.add(line, from);
  const walk = await walkModels({
    plan: spec.models,
    market,
    cache: context.cache,
    from,
    resumed,
    onFailure: (at, { code }) =>
      notes.add(`a model could not be fitted (${code}); the one before served on`, at),
    signal,
  });
  const course = openCourse(
    {
      ...spec,
      revive: spec.revive ?? policyOf,
      latency,
      decideOptions: spec.decideOptions ?? toDecideOptions(latency, market.intervalMs),
      lookback: lookbackBars(market.intervalMs),
      notes,
      journal: context.journal,
      feesBetween: openFees(market),
      relookMinutes: POLICIES.get(spec.policy.name)?.relookMinutes ?? 0,
    },
    resumed,
  );
  const writer = openWriter(store, resumed);
  const save = (bar: number): Promise<void> =>
    writer.save(bar, {
      ...course.state,
      models: walk.models,
      triedAt: walk.triedAt,
      notes: notes.entries(),
    });

  for (let bar = resumed?.bars ?? 0; bar < bars; bar++) {
    if (bar % TURN_BARS === 0) await setImmediate();
    const at = unixMillis(from + bar * market.intervalMs);
    const model = await orStop(signal, () => walk.at(at), bar, save);
    if (model === undefined && spec.models.kind !== "none") notes.add("there was no model yet", at);
    const step = course.step(bar, quoteAt(at), model);
    writer.add(step);
    context.onStep?.(step);
    if ((bar + 1) % checkpointBars === 0 || bar + 1 === bars) await save(bar + 1);
    onProgress?.({ done: bar + 1, total: bars, label: name });
  }
  return assembleRecord(spec, writer.chunks, store, walk.models, [
    ...notes.lines(),
    ...(course.state.pending === null
      ? []
      : ["the last decision was still to be executed when the period ended"]),
  ]);
}

/** The work's result; where the signal stops it, what there is of the run is saved first. */
async function orStop<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  bar: number,
  save: (bar: number) => Promise<void>,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal?.aborted && bar > 0) await save(bar);
    throw error;
  }
}

/** Number of bar closes. Throws as runBacktest does. */
function checkSpec({ market, portfolio, from, to, latency = 1, models, terms }: BacktestSpec): number {
  checkPortfolio(portfolio);
  const need = (isGood: boolean, field: string, value: number, allowed: string) => {
    if (!isGood) throw new BadTermsError(field, value, allowed);
  };
  need(Number.isInteger(latency) && latency >= 0, "latency", latency, "a whole number of bars from 0");
  for (const field of ["maxTurnover", "maxSlippage", "crossTolerance"] as const)
    need(terms[field] >= 0 && terms[field] <= 1, field, terms[field], "a share from 0 to 1");
  const { cooldownSeconds } = terms;
  need(
    cooldownSeconds >= 0 && Number.isInteger(cooldownSeconds),
    "cooldown",
    cooldownSeconds,
    "whole seconds from 0",
  );
  const { start, length, intervalMs } = market;
  const isClose = (t: number) => (t - start) % intervalMs === 0;
  need(isClose(from), "begin", from, "the close of a bar");
  need(isClose(to) && to > from, "end", to, "the close of a bar after the begin");
  const end = start + length * intervalMs;
  need(to <= end, "end", to, `a time up to the last bar's close, ${isoTime(unixMillis(end))}`);
  const earliest = unixMillis(start + lookbackBars(intervalMs) * intervalMs);
  if (from < earliest) throw new PeriodTooEarlyError(from, earliest);
  checkModelPlan(models, from);
  return (to - from) / intervalMs + 1;
}
