import type { Policy, Reasons } from "@ballast/agent";
import { BallastError, isoTime, type UnixMillis } from "@ballast/data";
import { WeightsNotOneError } from "../backtest/market.ts";

export class PolicyFailedError extends BallastError {
  readonly code = "POLICY_FAILED";
  readonly policy: string;
  readonly bar: number;
  readonly at: UnixMillis;
  constructor(policy: string, bar: number, at: UnixMillis, cause: unknown) {
    super(
      `Policy ${policy} failed at bar ${bar}, ${isoTime(at)}: ${cause instanceof Error ? cause.message : String(cause)} ` +
        "The last checkpoint is as it was; correct the policy and run again.",
      { cause },
    );
    this.policy = policy;
    this.bar = bar;
    this.at = at;
  }
}

/** Weights of 18 decimals, each rounded. */
const ROUNDING = 1_000n;

/** The same policy, whose failures and unusable answers are a PolicyFailedError. */
export const guardPolicy = (policy: Policy, label: string, bar: number): Policy => ({
  ...policy,
  choose: (input) =>
    orFail(label, bar, input.snapshot.at, () => {
      const intent = policy.choose(input);
      if (intent.kind === "rebalance") checkWeights(intent.toWeights, input.state.holdings.length);
      return intent;
    }),
});

/** The policy that decides next. Throws PolicyFailedError. */
export const nextPolicy = (
  policy: Policy,
  numbers: Reasons,
  label: string,
  bar: number,
  at: UnixMillis,
): Policy => orFail(label, bar, at, () => policy.next?.(numbers) ?? policy);

function orFail<T>(label: string, bar: number, at: UnixMillis, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new PolicyFailedError(label, bar, at, error);
  }
}

function checkWeights(weights: readonly bigint[], count: number): void {
  const miss = weights.reduce((sum, weight) => sum + weight, 0n) - 10n ** 18n;
  const isOne = miss <= ROUNDING && miss >= -ROUNDING;
  if (weights.length !== count || !isOne || weights.some((weight) => weight < 0n))
    throw new WeightsNotOneError(Number(miss + 10n ** 18n) / 1e18);
}
