import { type DecisionDetail, ProblemError, readDecision, readEvidence } from "../api.ts";
import { card, facts, h, hash, notice, table } from "../dom.ts";
import { fileLink } from "../file-link.ts";
import { amount, duration, figure, fromWad, moment, percent } from "../format.ts";
import type { Page } from "../page.ts";
import { type Inputs, inputsOf } from "../state.ts";
import { numberWords, reasonText } from "../words.ts";
import { alternatives } from "./alternatives.ts";
import { stageBadge } from "./decisions.ts";
import { guards } from "./guards.ts";
import { verifyCard } from "./verify-card.ts";

export interface DecisionData {
  readonly decision: DecisionDetail;
  /** Undefined before it is signed. */
  readonly evidence: unknown;
}

export const decision: Page<DecisionData> = {
  title: "Decision",
  async load({ rest, query }) {
    const found = await readDecision(rest, query.get("run") ?? undefined);
    const uid = found.offchainUid ?? found.uid;
    const evidence = uid === null ? undefined : await readEvidence(uid).catch(noneIfMissing);
    return { decision: found, evidence };
  },
  view({ decision: shown, evidence }, { announce }) {
    const inputs = inputsOf(evidence);
    return [
      h("p", { class: "back" }, h("a", { href: "#/decisions" }, "← All decisions")),
      h(
        "section",
        { class: "summary", "aria-labelledby": "decided" },
        h("h2", { id: "decided", class: "headline" }, shown.action === "hold" ? "Held" : "Rebalanced"),
        h(
          "p",
          { class: "lead" },
          `On ${moment(shown.at)} by ${shown.policy}, because ${reasonText(shown.reason)}.`,
        ),
        h("p", {}, stageBadge(shown)),
      ),
      shown.rejection && notice(`Refused: ${shown.rejection.code}`, shown.rejection.message),
      verifyCard(shown, evidence, announce),
      alternatives(shown),
      holdings(shown, inputs),
      forecastCard(shown),
      shown.trades.length > 0 && trades(shown, inputs),
      shown.execution && execution(shown),
      inputs && guards(shown, inputs),
      numbers(shown),
      attestation(shown),
    ];
  },
};

const noneIfMissing = (error: unknown): undefined => {
  if (error instanceof ProblemError && error.status === 404) return undefined;
  throw error;
};

/** The vault as it was read: what each holding weighed against its band. */
function holdings({ weights, outlook }: DecisionDetail, inputs: Inputs | undefined): HTMLElement {
  const rows = weights.map((weight, i) => {
    const holding = inputs?.state.holdings[i];
    const target = holding ? fromWad(holding.targetWeight) : outlook?.[i]?.target;
    const band = holding ? fromWad(holding.band) : outlook?.[i]?.band;
    return {
      asset: holding?.asset ?? outlook?.[i]?.asset ?? (i === 0 ? "base asset" : `asset ${i}`),
      weight,
      target,
      band,
      price: holding && fromWad(holding.price),
      balance: holding && amount(String(holding.balance), holding.decimals),
    };
  });
  return card(
    "What it saw: the vault",
    inputs
      ? `Balances and prices as the vault had them. Gas cost ${figure(Number(inputs.state.gasPrice) / 1e9)} gwei, ether ${figure(fromWad(inputs.state.etherPrice))}.`
      : "The weights before the decision.",
    table(
      "Holdings",
      [
        { head: "Holding", cell: ({ asset }) => asset },
        { head: "Weight", isNumber: true, cell: ({ weight }) => percent(weight, 2) },
        {
          head: "Inside its band",
          cell: ({ weight, target, band }) =>
            weight === null || target === undefined || band === undefined ? "–" : gauge(weight, target, band),
        },
        { head: "Target", isNumber: true, cell: ({ target }) => percent(target, 2) },
        { head: "Balance", isNumber: true, cell: ({ balance }) => balance ?? "–" },
        { head: "Price", isNumber: true, cell: ({ price }) => figure(price) },
      ],
      rows,
    ),
  );
}

/** Where a weight lies between the edges of its band. */
function gauge(weight: number, target: number, band: number): HTMLElement {
  const share = (weight - target) / band;
  const words =
    Math.abs(share) > 1
      ? "outside"
      : `${percent(Math.abs(share), 0)} of the way to its ${share < 0 ? "lower" : "upper"} edge`;
  const meter = h("meter", {
    min: 0,
    max: 1,
    high: 0.75,
    optimum: 0,
    value: Math.min(1, Math.abs(share)),
    "aria-label": words,
    title: words,
  });
  return h("span", { class: "gauge" }, meter, h("span", {}, words));
}

function forecastCard({ forecast, outlook }: DecisionDetail): HTMLElement {
  const title = "What it expected: the forecast";
  if (forecast === null) return card(title, null, notice("No forecast", "This policy decided without one."));
  const hours = forecast.assets[0]?.horizons.map((horizon) => horizon.hours) ?? [];
  return card(
    title,
    `Annualised volatility of each asset, and how likely each weight was to leave its band by then. The model is ${forecast.modelId.slice(0, 10)}…`,
    table(
      "Volatility a year, by asset and horizon",
      [
        { head: "Volatility", cell: ({ asset }: (typeof forecast.assets)[number]) => asset },
        ...hours.map((hour, i) => ({
          head: duration(hour),
          isNumber: true,
          cell: ({ horizons }: (typeof forecast.assets)[number]) => percent(horizons[i]?.volAnnual),
        })),
      ],
      forecast.assets,
    ),
    outlook &&
      table(
        "Breach probability, by holding and horizon",
        [
          { head: "Leaves its band", cell: ({ asset }: (typeof outlook)[number]) => asset },
          ...hours.map((hour, i) => ({
            head: duration(hour),
            isNumber: true,
            cell: ({ horizons }: (typeof outlook)[number]) => percent(horizons[i]?.breachProbability),
          })),
        ],
        outlook,
      ),
  );
}

function trades({ trades: made, execution: done }: DecisionDetail, inputs: Inputs | undefined): HTMLElement {
  const token = (address: string) =>
    inputs?.state.holdings.find((holding) => holding.token.toLowerCase() === address);
  const write = (units: string, address: string) => {
    const known = token(address);
    return known ? `${amount(units, known.decimals)} ${known.asset}` : [units, " of ", hash(address)];
  };
  return card(
    "Trades",
    "What the decision binds the vault to: it carries out all of them, or none.",
    table(
      "Trades",
      [
        { head: "Sells", cell: ({ tokenIn, amountIn }) => write(amountIn, tokenIn) },
        {
          head: "For at least",
          isNumber: true,
          cell: ({ tokenOut, minAmountOut }) => write(minAmountOut, tokenOut),
        },
        {
          head: "Received",
          isNumber: true,
          cell: ({ tokenOut, index }) => (done ? write(done.amountsOut[index] ?? "0", tokenOut) : "–"),
        },
        { head: "Venue", cell: ({ venue }) => hash(venue) },
      ],
      made.map((trade, index) => ({ ...trade, index })),
    ),
  );
}

function execution({ execution: done }: DecisionDetail): HTMLElement {
  const { gasUsed, gasPrice, navBefore, navAfter, blockNumber, minedAt, txHash } = done!;
  const change = fromWad(navAfter) / fromWad(navBefore) - 1;
  return card(
    "Gas and execution",
    null,
    facts([
      ["Executed", `${moment(minedAt)}, block ${blockNumber.toLocaleString("en")}`],
      ["Gas", `${Number(gasUsed).toLocaleString("en")} at ${figure(Number(gasPrice) / 1e9)} gwei`],
      ["Paid", `${figure((Number(gasUsed) * Number(gasPrice)) / 1e18)} ether`],
      ["Value before", figure(fromWad(navBefore))],
      ["Value after", `${figure(fromWad(navAfter))} (${(change * 1e4).toFixed(2)} bp)`],
      ["Transaction", hash(txHash)],
    ]),
  );
}

function numbers({ numbers: known }: DecisionDetail): HTMLElement {
  return card(
    "Every number that weighed in it",
    null,
    table(
      "Numbers of the decision",
      [
        { head: "What", cell: ([name, value]) => numberWords(name, value)[0] },
        { head: "Value", isNumber: true, cell: ([name, value]) => numberWords(name, value)[1] },
      ],
      Object.entries(known),
    ),
  );
}

function attestation({ decision: signed, offchainUid, uid, hash: own }: DecisionDetail): HTMLElement {
  const anchor = offchainUid ?? uid;
  return card(
    "Attestation",
    anchor === null
      ? "Not signed yet."
      : "Signed as an EAS attestation. The evidence file can be checked by anyone.",
    facts([
      ["Decision", hash(own)],
      ["Sequence", signed.sequence],
      ["Valid", `${moment(Number(signed.decidedAt) * 1_000)} to ${moment(Number(signed.expiresAt) * 1_000)}`],
      ["Vault", hash(signed.vault)],
      ["Chain", signed.chainId],
      ["Off-chain UID", offchainUid === null ? "none" : hash(offchainUid)],
      ["On-chain UID", uid === null ? "none" : hash(uid)],
      ["Market data", hash(signed.inputRoot)],
      ["Vault state", hash(signed.stateHash)],
      ["Policy", hash(signed.policyId)],
    ]),
    anchor !== null &&
      fileLink(`v1/attestations/${anchor}/evidence`, `${anchor}.json`, "Download the evidence file"),
  );
}
