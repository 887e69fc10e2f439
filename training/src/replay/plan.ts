import { checkFit, type Policy, policyOf } from "@ballast/agent";
import { DAY_MS, HOUR_MS, toWadNearest, type UnixMillis, unixMillis } from "@ballast/data";
import { lookbackBars, modelId } from "@ballast/model";
import type { PanelMarket } from "../panel.ts";
import { BadConfigError } from "../schema.ts";
import { DEFAULT_TRAIN_CONFIG, LEAST_HISTORY_HOURS, train } from "../train.ts";
import type { BacktestPlan } from "./config.ts";
import { toExecution } from "./executions.ts";
import { fitLinearModel, type ModelPlan } from "./models.ts";
import { checkPortfolio, type Portfolio, toTargetWads } from "./portfolio.ts";
import type { BacktestSpec } from "./run.ts";

/** Decimals of the token on Ethereum where they are not 18. */
const DECIMALS: Readonly<Record<string, number>> = { BTC: 8, USDC: 6, USDT: 6 };

/** The portfolio of a plan. A pool's fee tier is what the costs charge for it. */
export function toPortfolio({ portfolio, costs }: Pick<BacktestPlan, "portfolio" | "costs">): Portfolio {
  const { base, targets, bands, nav } = portfolio;
  const tickers = [base, ...Object.keys(targets).filter((asset) => asset !== base)];
  return {
    nav,
    assets: tickers.map((asset) => ({
      asset,
      decimals: DECIMALS[asset] ?? 18,
      poolFee: asset === base ? 0 : Math.round((costs.assets?.[asset]?.fee ?? costs.fee) * 1e6),
      target: targets[asset]!,
      band: typeof bands === "number" ? bands : orMissing(bands[asset], asset),
    })),
  };
}

function orMissing(band: number | undefined, asset: string): number {
  if (band === undefined)
    throw new BadConfigError(
      "portfolio",
      "bands",
      `has none for ${asset}; give one number for all, or one for each.`,
    );
  return band;
}

/** The agent's policy of that name, with its defaults for what is not given. Throws what the agent's `policyOf` does. */
export const toPolicy = ({ name, parameters }: BacktestPlan["policies"][number]): Policy =>
  policyOf({ name, parameters });

/**
 * What can be known to be wrong before a market is read. Throws BadPortfolioError, WeightsNotOneError,
 * BandOverlapsZeroError, BadConfigError and what `policyOf` and `checkFit` throw.
 */
export function checkPlan(plan: BacktestPlan): void {
  const portfolio = toPortfolio(plan);
  checkPortfolio(portfolio);
  const targets = toTargetWads(portfolio);
  const holdings = portfolio.assets.map(({ asset, band }, i) => ({
    asset,
    targetWeight: targets[i]!,
    band: toWadNearest(band),
  }));
  for (const policy of plan.policies) checkFit(toPolicy(policy), holdings);
}

/** Models that a plan trains on the way; undefined where it has a frozen one, or none. */
export function toRetraining(
  { model, retraining }: Pick<BacktestPlan, "model" | "retraining">,
  log: (line: string) => void,
): ModelPlan | undefined {
  if (model === "none") return { kind: "none" };
  if (model !== "linear" && model !== "network") return undefined;
  const config = { ...DEFAULT_TRAIN_CONFIG, ...retraining.training };
  const { backend } = retraining;
  const { maxRows, ridge, correlationHalfLifeHours } = config;
  const linear = { maxRows, ridge, correlationHalfLifeHours };
  return {
    kind: "retrained",
    everyMs: retraining.everyDays * DAY_MS,
    leastHours: Math.max(retraining.leastDays * 24, LEAST_HISTORY_HOURS),
    settings: model === "linear" ? { model, ...linear } : { model, ...config, backend: backend ?? null },
    fit: async (known, until, signal) =>
      model === "linear"
        ? fitLinearModel(known, linear, until, signal)
        : (await train(known, config, { until, log, backend, signal })).artefact,
  };
}

/**
 * First bar close at which there is a snapshot and, where models are used, one that has not seen it; and the last bar
 * close.
 */
export function periodOf(
  { start, length, intervalMs }: PanelMarket,
  models: ModelPlan,
): { from: UnixMillis; to: UnixMillis } {
  const snapshot = start + lookbackBars(intervalMs) * intervalMs;
  const model =
    models.kind === "retrained"
      ? start + models.leastHours * HOUR_MS
      : models.kind === "frozen"
        ? models.trainedUntil
        : start;
  const bars = Math.ceil((Math.max(snapshot, model) - start) / intervalMs);
  return { from: unixMillis(start + bars * intervalMs), to: unixMillis(start + length * intervalMs) };
}

/** One run for each policy of a plan. Throws what `policyOf` throws. */
export function toSpecs(plan: BacktestPlan, market: PanelMarket, models: ModelPlan): BacktestSpec[] {
  const { tipGwei, baseFeeGwei, etherDollars } = plan.gas;
  const execution = toExecution(plan, market);
  const period = periodOf(market, models);
  const at = (text: string | undefined, otherwise: UnixMillis): UnixMillis =>
    text === undefined ? otherwise : unixMillis(Date.parse(text));
  return plan.policies.map((policy) => ({
    name: policy.label,
    policy: toPolicy(policy),
    market,
    portfolio: toPortfolio(plan),
    terms: plan.vault,
    gas: { tipGwei, baseFeeGwei, etherDollars },
    execution,
    models,
    from: at(plan.from, period.from),
    to: at(plan.until, period.to),
    latency: plan.latency,
    halts: plan.halts.map(({ from, until }) => ({ from: Date.parse(from), until: Date.parse(until) })),
  }));
}

/** All of a plan that a run's record depends on, by name: a stopped run goes on only with the same. */
export const identityOf = (
  plan: BacktestPlan,
  { market, policy, from, to, models }: BacktestSpec,
): Record<string, unknown> => ({
  format: "ballast-backtest-run/1",
  market: market.hash,
  from,
  to,
  portfolio: toPortfolio(plan),
  vault: { ...plan.vault },
  latency: plan.latency,
  costs: toPlain(plan.costs),
  gas: { ...plan.gas },
  model:
    models.kind === "retrained" ? models.settings : models.kind === "frozen" ? modelId(models.bytes) : null,
  retraining: models.kind === "retrained" ? { everyMs: models.everyMs, leastHours: models.leastHours } : null,
  halts: toPlain(plan.halts),
  policy: { name: policy.name, id: policy.id },
});

/** Without what is undefined. */
const toPlain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
