import {
  type Decided,
  type DecideOptions,
  decide,
  type Foresight,
  type Journal,
  type Policy,
  toInputs,
  type VaultModel,
  type VaultScorer,
  type VaultState,
} from "@ballast/agent";
import { ACTION, ZERO_BYTES32 } from "@ballast/attest";
import {
  BallastError,
  keccak,
  type Snapshot,
  toWadNearest,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Execution } from "../backtest/execution.ts";
import type { PanelMarket } from "../panel.ts";
import { type Pending, readBooks, readPending, writeBooks, writePending } from "./course-state.ts";
import { guardPolicy, nextPolicy } from "./guard.ts";
import type { ActiveModel } from "./models.ts";
import type { NoteBook } from "./notes.ts";
import type { Portfolio } from "./portfolio.ts";
import type { PublishedFee } from "./quotes.ts";
import type { BacktestTrade } from "./record.ts";
import type { Checkpoint } from "./store.ts";
import {
  carryOut,
  openBooks,
  type Quote,
  toNav,
  toOrders,
  toVaultState,
  toWeights,
  type VaultTerms,
} from "./vault.ts";

/** What a bar came to. */
export interface Step {
  readonly quote: Quote;
  /** Before any trade. */
  readonly weights: readonly number[];
  /** After the costs of any trade. */
  readonly value: number;
  readonly mix: number;
  readonly forecast: Forecast | undefined;
  readonly snapshot: Snapshot;
  /** What was decided from. */
  readonly state: VaultState;
  readonly decided: Decided;
  /** What a later look within the bar decided to trade, where the bar's own decision was to hold. */
  readonly relooked: Decided | undefined;
  readonly trade: BacktestTrade | undefined;
}

export interface CoursePorts {
  readonly name: string;
  readonly policy: Policy;
  /** The policy of a name and parameters, for one that a stopped run had become. */
  readonly revive: (policy: Checkpoint["policy"]) => Policy;
  readonly market: PanelMarket;
  readonly portfolio: Portfolio;
  readonly terms: VaultTerms;
  readonly execution: Execution;
  /** Bars between a decision and its execution. */
  readonly latency: number;
  readonly decideOptions: DecideOptions;
  /** Bars of a snapshot. */
  readonly lookback: number;
  readonly notes: NoteBook;
  readonly journal?: Journal | undefined;
  /** Base fees as they were published, from and to included; for the executor and for looks within the bar alone. */
  readonly feesBetween: (from: UnixMillis, to: UnixMillis) => readonly PublishedFee[];
  /** Least minutes between two looks within a bar, while its data are fresh; 0: none. */
  readonly relookMinutes: number;
}

/** The vault of one policy on its way through a market, one bar after the other. */
export interface Course {
  /** Throws PolicyFailedError, and what an execution throws; the course cannot go on after that. */
  step(bar: number, quote: Quote, model: ActiveModel | undefined): Step;
  readonly state: Pick<Checkpoint, "books" | "mix" | "policy" | "lastPrices" | "pending">;
}

const MINUTE_MS = 60_000;

/** A vault that wants no network's word for a trade inside the bands. */
export const OPEN_SCORER: VaultScorer = {
  modelId: keccak(new TextEncoder().encode("ballast paper vault: wants no score")),
  scores: (_, { holdings }) => holdings.map(() => 0),
};

/** Event order as in life: the bar has closed; what is due is executed at its prices; then comes the next decision. */
export function openCourse(ports: CoursePorts, resumed?: Course["state"]): Course {
  const { name, portfolio, terms, execution, latency, decideOptions, notes, journal } = ports;
  let books = resumed && readBooks(resumed.books);
  let pending = resumed?.pending ? readPending(resumed.pending) : undefined;
  let mix = resumed?.mix ?? portfolio.nav;
  let policy =
    resumed === undefined || ports.policy.next === undefined ? ports.policy : ports.revive(resumed.policy);
  let lastPrices: readonly number[] | undefined = resumed?.lastPrices;

  function execute(due: Pending, quote: Quote): BacktestTrade {
    const { fill, books: after } = carryOut(portfolio, books!, due.orders, quote, execution, due.prices);
    books = after;
    const { decidedAt, reason, numbers, decisionHash } = due;
    return {
      decidedAt,
      executedAt: quote.at,
      reason,
      numbers,
      decisionHash,
      ...fill,
      gasGwei: quote.baseFeeGwei + quote.tipGwei,
    };
  }

  /** What was decided `latency` bars ago, or just now where that is none. */
  function executeDue(bar: number, quote: Quote): BacktestTrade | undefined {
    if (pending?.dueBar !== bar) return undefined;
    const due = pending;
    pending = undefined;
    if (quote.isHalted) {
      notes.add("a decision was not executed, as trading was halted by then", quote.at);
      return undefined;
    }
    const paid = toPaid(due, quote);
    if (paid !== undefined) return execute(due, paid);
    notes.add("a decision lapsed, as gas stayed above the price it was worth", quote.at);
    return undefined;
  }

  /** The quote at the price of gas that is paid: the first within the decision's own cap since it was made, if it has one. */
  function toPaid({ numbers, decidedAt }: Pending, quote: Quote): Quote | undefined {
    const cap = numbers.highestGasGwei;
    if (cap === undefined) return quote;
    const met = ports
      .feesBetween(unixMillis(decidedAt), quote.at)
      .find(({ gwei }) => gwei + quote.tipGwei <= cap);
    if (met !== undefined) return { ...quote, baseFeeGwei: met.gwei };
    return quote.baseFeeGwei + quote.tipGwei <= cap ? quote : undefined;
  }

  /** The times within the bar at which the price of gas is looked at again. */
  function looksAfter({ at }: Quote): readonly PublishedFee[] {
    if (ports.relookMinutes === 0 || latency === 0) return [];
    const until = unixMillis(at + decideOptions.maxDataAgeSeconds * 1000);
    let last: number = at;
    return ports.feesBetween(unixMillis(at + 1), until).filter((fee) => {
      if (fee.at - last < ports.relookMinutes * MINUTE_MS) return false;
      last = fee.at;
      return true;
    });
  }

  function enqueue(decided: Decided, state: VaultState, bar: number, quote: Quote): void {
    if (decided.decision.action === ACTION.hold) return;
    if (pending !== undefined) {
      notes.add("a decision was superseded by the one of its sequence that was on its way", quote.at);
      return;
    }
    pending = {
      dueBar: bar + latency,
      decidedAt: quote.at,
      reason: decided.reason,
      numbers: decided.numbers,
      decisionHash: decided.hash,
      prices: quote.prices,
      orders: toOrders(decided, state),
    };
  }

  return {
    step(bar, quote, model) {
      books ??= openBooks(portfolio, quote);
      mix *= growthOf(portfolio, lastPrices, quote.prices);
      lastPrices = quote.prices;
      const weights = toWeights(portfolio, books, quote);
      const earlier = executeDue(bar, quote);

      const snapshot = ports.market.past(quote.at).snapshot(ports.lookback);
      const forecast = forecastOrNote(model, snapshot, notes);
      const foresight = toForesight(terms, model);
      const guarded = guardPolicy(policy, name, bar);
      const vaultModel = foresight && toVaultModel(foresight);
      const decideAt = (look: Quote) => {
        const state = toVaultState(portfolio, terms, books!, look, vaultModel);
        return {
          state,
          decided: decide(snapshot, state, forecast, guarded, look.at, foresight, decideOptions),
        };
      };
      const record = ({ state, decided }: ReturnType<typeof decideAt>, now: UnixMillis) =>
        journal?.record(name, decided, {
          policy: policy.name,
          forecast,
          inputs: toInputs({
            state,
            policy,
            options: decideOptions,
            now,
            hasScorer: foresight !== undefined,
            isNotarised: true,
          }),
        });
      const first = decideAt(quote);
      const { state, decided } = first;
      record(first, quote.at);
      let relooked: Decided | undefined;
      if (decided.decision.action === ACTION.hold && pending === undefined && !quote.isHalted) {
        for (const { at, gwei } of looksAfter(quote)) {
          const look = { ...quote, at, baseFeeGwei: gwei };
          const again = decideAt(look);
          if (again.decided.decision.action === ACTION.hold) continue;
          record(again, at);
          enqueue(again.decided, again.state, bar, look);
          relooked = again.decided;
          break;
        }
      }
      policy = nextPolicy(policy, decided.numbers, name, bar, quote.at);
      if (quote.isHalted) notes.add("trading was halted", quote.at);
      enqueue(decided, state, bar, quote);
      const trade = latency === 0 ? executeDue(bar, quote) : earlier;
      return {
        quote,
        weights,
        value: toNav(portfolio, books, quote),
        mix,
        forecast,
        snapshot,
        state,
        decided,
        relooked,
        trade,
      };
    },
    get state() {
      return {
        books: writeBooks(books!),
        mix,
        policy: { name: policy.name, parameters: policy.parameters },
        lastPrices: lastPrices!,
        pending: pending === undefined ? null : writePending(pending),
      };
    },
  };
}

/** Growth of the frictionless constant mix from one bar to the next. */
const growthOf = (
  { assets }: Portfolio,
  before: readonly number[] | undefined,
  now: readonly number[],
): number =>
  before === undefined ? 1 : assets.reduce((sum, { target }, i) => sum + target * (now[i]! / before[i]!), 0);

/** As in life: without a usable forecast the policy decides on what it has. */
function forecastOrNote(
  model: ActiveModel | undefined,
  snapshot: Snapshot,
  notes: NoteBook,
): Forecast | undefined {
  try {
    return model?.forecaster(snapshot);
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    notes.add(`decided without a forecast (${error.code})`, snapshot.at);
    return undefined;
  }
}

const toForesight = ({ minScore }: VaultTerms, model: ActiveModel | undefined): Foresight | undefined => {
  const scorer = minScore === undefined ? OPEN_SCORER : model?.scorer;
  return scorer && { scorer, isNotarised: true };
};

const toVaultModel = ({ scorer }: Foresight): VaultModel => ({
  id: scorer.modelId,
  attestationUid: ZERO_BYTES32,
  isActive: true,
  maxTurnover: toWadNearest(1),
});
