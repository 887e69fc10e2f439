import {
  type Journal,
  type MarketWitness,
  outcomeRecorder,
  type Policy,
  runLoop,
  type Step,
  type Venue,
} from "@ballast/agent";
import type { EasDomain, Trade } from "@ballast/attest";
import type { Devnet } from "@ballast/contracts";
import {
  type Hex,
  HOUR_MS,
  keccak,
  type Market,
  type Snapshot,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import type { Forecaster } from "@ballast/model";
import type { Signer } from "ethers";
import type { Basket } from "./basket.ts";
import type { HourRecord, TradeRecord } from "./runData.ts";
import { signing } from "./signing.ts";

export interface ReplayPorts {
  /** Its name in the journal. */
  readonly run: string;
  readonly market: Market;
  readonly basket: Basket;
  readonly devnet: Devnet;
  readonly venue: Venue;
  readonly domain: EasDomain;
  readonly attester: Signer;
  readonly journal: Journal;
  readonly policy: Policy;
  /** Absent where only the reactive rule trades. */
  readonly witness: MarketWitness | undefined;
  /** Absent for a policy that uses none. */
  readonly forecaster: Forecaster | undefined;
  /** Bars one forecast looks back on. */
  readonly lookback: number;
  /** First bar close to decide at. */
  readonly from: UnixMillis;
  readonly hours: number;
  /** Wei, where the market has no base fee of its own. */
  readonly defaultBaseFee: bigint;
  readonly onHour: (hour: number) => void;
  /** Told of each step once it is journalled. */
  readonly publish: ((step: Step) => void) | undefined;
}

export interface Replayed {
  readonly outcome: ReturnType<ReturnType<typeof outcomeRecorder>["outcome"]>;
  readonly hours: readonly HourRecord[];
  readonly trades: readonly TradeRecord[];
  /** Hours at which nothing could be decided, with the reason; empty in a healthy run. */
  readonly missed: readonly string[];
  /** keccak256 over the decisions' hashes in order. */
  readonly decisionsDigest: Hex;
}

/**
 * Replays a market hour by hour on the devnet: at each bar close the chain's clock, feeds, pools and base fee
 * are set to the market's, then the agent's own loop takes its step. Nothing in the loop knows that it is a replay.
 */
export async function replay(ports: ReplayPorts): Promise<Replayed> {
  const { market, basket, devnet, run } = ports;
  const recorder = outcomeRecorder(1);
  const hours: HourRecord[] = [];
  const trades: TradeRecord[] = [];
  const missed: string[] = [];
  const hashes: Hex[] = [];
  let mix = 1;
  let lastPrices: readonly number[] | undefined;
  let now = ports.from;

  async function* ticks(): AsyncGenerator<UnixMillis> {
    for (let hour = 0; hour < ports.hours; hour++) {
      now = unixMillis(ports.from + hour * HOUR_MS);
      const prices = pricesAt(market, basket, now);
      await devnet.setMarket({
        time: now / 1000,
        prices,
        baseFeeWei: baseFeeAt(market, now) ?? ports.defaultBaseFee,
      });
      if (lastPrices !== undefined) {
        const before = lastPrices;
        mix *=
          1 +
          basket.others.reduce(
            (sum, { targetWeight }, i) => sum + (Number(targetWeight) / 1e18) * (prices[i]! / before[i]! - 1),
            0,
          );
      }
      lastPrices = prices;
      yield now;
      ports.onHour(hour + 1);
    }
  }

  function onStep(step: Step): void {
    // A replay that is not recorded shows nothing; a live agent tries again at the next hour.
    if (step.kind === "missed" && step.error.code.startsWith("JOURNAL_")) throw step.error;
    if (step.kind === "missed" || step.kind === "unforecast")
      missed.push(`${step.error.code}: ${step.error.message}`);
    if (step.kind === "unnotarised") missed.push(...step.refusals);
    if (!("decided" in step)) return;
    const { state, decided } = step;
    ports.publish?.(step);
    recorder.observe(state);
    recorder.decided();
    hashes.push(decided.hash);
    hours.push({
      at: step.at,
      weights: decided.weights,
      nav: state.holdings.reduce(
        (sum, { balance, price, decimals }) =>
          sum + (Number(balance) / 10 ** decimals) * (Number(price) / 1e18),
        0,
      ),
      mix,
      breachProbability: ports.forecaster === undefined ? undefined : decided.breachProbability,
      baseFeeGwei: Number(state.gasPrice) / 1e9,
    });
    if (step.kind === "executed") {
      recorder.executed(state, decided, step.execution, step.execution.gasUsed + step.attestGas);
    } else if (step.kind === "rejected") {
      recorder.rejected();
    } else {
      return;
    }
    const execution = step.kind === "executed" ? step.execution : undefined;
    trades.push({
      at: step.at,
      reason: decided.reason,
      wasOutsideBand: decided.isBreached,
      numbers: decided.numbers,
      trades: decided.trades.map((trade, index) =>
        describeTrade(trade, execution?.amountsOut[index], state.holdings),
      ),
      decisionHash: decided.hash,
      uid: step.kind === "executed" ? step.uid : ports.journal.get(decided.hash, run)?.offchainUid,
      txHash: execution?.txHash,
      gasUsed: execution === undefined ? undefined : Number(execution.gasUsed),
      rejection: step.kind === "rejected" ? step.error.message : undefined,
    });
  }

  await runLoop({
    run,
    ticks: ticks(),
    now: () => now,
    observe: async (at): Promise<Snapshot> => market.past(at).snapshot(ports.lookback),
    forecast: (snapshot) => ports.forecaster?.(snapshot),
    witness: ports.witness,
    policy: ports.policy,
    journal: ports.journal,
    ...signing(ports.domain, ports.attester),
    venue: ports.venue,
    isDryRun: false,
    onStep,
  });
  return {
    outcome: recorder.outcome(),
    hours,
    trades,
    missed,
    decisionsDigest: keccak(new TextEncoder().encode(hashes.join())),
  };
}

/** The last close of each asset of the basket that was known at t. */
export const pricesAt = (market: Market, basket: Basket, t: UnixMillis): number[] => {
  const past = market.past(t);
  return basket.others.map(({ index }) => past.bars(index, 1).close[0]!);
};

/** The last published base fee in wei; undefined where the market has none. */
export function baseFeeAt(market: Market, t: UnixMillis): bigint | undefined {
  if (!market.exogenousNames.includes("base_fee_gwei")) return undefined;
  const gwei = market.past(t).exogenous("base_fee_gwei", 1).value[0];
  return gwei === undefined ? undefined : BigInt(Math.round(gwei * 1e9));
}

function describeTrade(
  trade: Trade,
  amountOut: bigint | undefined,
  holdings: readonly { readonly token: string; readonly asset: string; readonly decimals: number }[],
): string {
  const amount = (token: string, units: bigint) => {
    const { asset, decimals } = holdings.find((holding) => holding.token === token)!;
    return `${(Number(units) / 10 ** decimals).toLocaleString("en-US", { maximumSignificantDigits: 6 })} ${asset}`;
  };
  const received =
    amountOut === undefined
      ? `at least ${amount(trade.tokenOut, trade.minAmountOut)}`
      : amount(trade.tokenOut, amountOut);
  return `${amount(trade.tokenIn, trade.amountIn)} for ${received}`;
}
