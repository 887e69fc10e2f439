import type { DecisionDetail } from "../api.ts";
import { badge, card, table } from "../dom.ts";
import { duration, figure, fromWad, percent } from "../format.ts";
import type { Inputs } from "../state.ts";

interface Guard {
  readonly name: string;
  readonly bound: string;
  readonly used: string;
  /** Undefined where it did not apply. */
  readonly holds: boolean | undefined;
}

/** What the vault checks before it trades, as the decision found it. */
export function guards(
  { numbers, at, action, reason, isBreached }: DecisionDetail,
  { state }: Inputs,
): HTMLElement {
  const turnover = numbers.turnover ?? undefined;
  const isAhead = action === "rebalance" && !isBreached;
  const most = isAhead && state.model !== undefined ? state.model.maxTurnover : state.maxTurnover;
  const waited = (Date.parse(at) - state.lastRebalanceAt) / 3.6e6;
  const score = numbers.score ?? undefined;
  const within = (bound: bigint): Pick<Guard, "used" | "holds"> => ({
    used: turnover === undefined ? "nothing sold" : percent(turnover, 2),
    holds: turnover === undefined ? undefined : turnover <= fromWad(bound),
  });
  const rows: Guard[] = [
    {
      name: "Not paused",
      bound: "not paused",
      used: state.paused ? "paused" : "not paused",
      holds: !state.paused,
    },
    {
      name: "Trading allowed: oracles and pools agree",
      bound: "allowed",
      used: state.isTradingAllowed ? "allowed" : "halted",
      holds: state.isTradingAllowed,
    },
    {
      name: "Cooldown since the last rebalance",
      bound: duration(state.cooldownSeconds / 3_600),
      used: state.lastRebalanceAt === 0 ? "never rebalanced" : duration(waited),
      holds: state.lastRebalanceAt === 0 || waited * 3_600 >= state.cooldownSeconds,
    },
    { name: "Share sold in one rebalance", bound: percent(fromWad(most), 0), ...within(most) },
    {
      name: "Share sold within the turnover budget",
      bound: percent(fromWad(state.turnoverLeft), 0),
      ...within(state.turnoverLeft),
    },
    {
      name: "Loss within the loss budget",
      bound: percent(fromWad(state.lossLeft), 2),
      used: numbers.feesBps === undefined ? "nothing sold" : `${figure(numbers.feesBps)} bp expected`,
      holds:
        numbers.feesBps === undefined || numbers.feesBps === null
          ? undefined
          : numbers.feesBps / 1e4 <= fromWad(state.lossLeft),
    },
    {
      name: "Breach score of the vault's own network",
      bound: `at least ${state.minScore}`,
      used: score === undefined ? "not asked" : figure(score),
      holds: score === undefined ? undefined : score >= state.minScore,
    },
    {
      name: "Notaries that signed the market",
      bound: `at least ${state.notaryThreshold}`,
      used: isAhead ? "enough" : reason === "too-few-notaries" ? "too few" : "not needed",
      holds: isAhead ? true : reason === "too-few-notaries" ? false : undefined,
    },
  ];
  return card(
    "Guards of the vault",
    "What the vault would have checked. Verify makes sure that this state is the one that was signed for.",
    table(
      "Guards",
      [
        { head: "Guard", cell: ({ name }) => name },
        { head: "Bound", isNumber: true, cell: ({ bound }) => bound },
        { head: "Found", isNumber: true, cell: ({ used }) => used },
        {
          head: "Verdict",
          cell: ({ holds }) =>
            holds === undefined
              ? badge("plain", "not in play")
              : holds
                ? badge("good", "holds")
                : badge("bad", "binds"),
        },
      ],
      rows,
    ),
  );
}
