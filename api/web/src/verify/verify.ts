import "./buffer.ts";
import { features, readInputs, stateHash, type VaultState, weightsOf } from "@ballast/agent";
import {
  type CheckName,
  DECISION_SCHEMA_UID,
  decisionHash,
  type Evidence,
  offchainUid,
  readEvidence,
  recoverNotaries,
  recoverSigner,
  toOffchainAttestation,
  tradesHash,
  verifyOffchain,
  verifyReferences,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Hex, unixMillis } from "@ballast/data";
import { forecastHash } from "@ballast/model";
import type { DecisionDetail } from "../api.ts";
import { runNetwork } from "./network.ts";
import { toForecast } from "./shown-forecast.ts";

/** One thing that was checked, or that could not be from here. */
export interface Finding {
  readonly title: string;
  readonly status: "pass" | "fail" | "open";
  readonly detail: string;
}

export const equal = (title: string, what: string, found: unknown, expected: unknown): Finding =>
  found === expected
    ? { title, status: "pass", detail: `${what} is ${expected}` }
    : { title, status: "fail", detail: `${what} is ${found}, and should be ${expected}` };

const TITLES: Readonly<Partial<Record<CheckName, string>>> = {
  format: "The attestation can be read",
  "decision-hash": "The signer named this decision",
  data: "The attested bytes are the decision's",
  "trades-hash": "The trades are the decided ones",
  action: "Action and trades agree",
  chain: "Made for the decision's chain",
  recipient: "Made for the decision's vault",
  schema: "Under the schema of decisions",
  eas: "Made for one EAS contract",
  terms: "Time, expiry and revocability are as always",
  reference: "It refers to its model's attestation",
  uid: "Its UID is the hash of its content",
  signature: "The signature is the signer's",
  window: "It was valid when it was decided",
  "model-attestation": "The model was attested",
  "dataset-attestation": "The model's data set was attested",
};

/** What is wrong with bad evidence is a finding, whatever threw it. */
function attempt(title: string, work: () => Finding | Finding[]): Finding[] {
  try {
    return [work()].flat();
  } catch (error) {
    return [{ title, status: "fail", detail: error instanceof Error ? error.message : String(error) }];
  }
}

/**
 * Checks in this browser, by the functions the agent itself uses, what a page shows of a decision against the
 * attestation, and runs the vault's network again. Trusts neither server nor page.
 * @param file The evidence as the service has it. @param network The network's bytes in hexadecimal; undefined
 * where the service has none.
 */
export function verifyDecision(
  shown: DecisionDetail,
  file: string,
  network: string | undefined,
): readonly Finding[] {
  let evidence: Evidence;
  try {
    evidence = readEvidence(file);
  } catch (error) {
    return [{ title: "The evidence can be read", status: "fail", detail: String(error) }];
  }
  return [
    ...attempt("The evidence is of the decision shown", () =>
      equal(
        "The evidence is of the decision shown",
        "the decision's hash",
        decisionHash(evidence.decision),
        shown.hash,
      ),
    ),
    ...ofPage(shown, evidence),
    ...ofAttestation(evidence),
    ...ofInputs(shown, evidence, network),
    ...ofOutcome(shown, evidence),
    {
      title: "The market's bars, the forecast made anew, and deciding again",
      status: "open",
      detail: "need the market: ballast verify does them with your own bars",
    },
    {
      title: "Whether the signer was allowed to sign, and nothing was revoked",
      status: "open",
      detail: "only the chain knows: ballast verify --rpc asks it",
    },
  ];
}

/** What the page shows beside the decision itself, against what was signed. */
function ofPage(shown: DecisionDetail, { decision }: Evidence): Finding[] {
  const trades = attempt("The trades shown are those signed", () => {
    const given = shown.trades.map((trade) => ({
      ...trade,
      amountIn: BigInt(trade.amountIn),
      minAmountOut: BigInt(trade.minAmountOut),
    }));
    return equal(
      "The trades shown are those signed",
      "their hash",
      tradesHash(given as Parameters<typeof tradesHash>[0]),
      decision.tradesHash,
    );
  });
  if (decision.forecastHash === ZERO_BYTES32) return trades;
  const title = "The forecast shown is the one signed for";
  if (shown.forecast === null)
    return [...trades, { title, status: "open", detail: "the service does not have the forecast any more" }];
  const { forecast } = shown;
  return [
    ...trades,
    ...attempt(title, () =>
      equal(title, "its hash", forecastHash(toForecast(forecast)), decision.forecastHash),
    ),
  ];
}

function ofAttestation({ decision, trades, offchain, references = [] }: Evidence): Finding[] {
  const title = "The decision was attested off chain";
  if (offchain === undefined)
    return [
      { title, status: "open", detail: "it was attested on chain alone: ballast verify --rpc reads it" },
    ];
  return attempt(title, () => {
    const { domain, message, signer } = toOffchainAttestation(offchain);
    const expected = {
      chainId: decision.chainId,
      easAddress: domain.verifyingContract,
      easVersion: domain.version,
    };
    const checks = verifyOffchain(offchain, decision, trades, {
      ...expected,
      vault: decision.vault,
      schemaUid: DECISION_SCHEMA_UID,
      attesters: [signer],
      asOf: unixMillis(Number(decision.decidedAt) * 1_000),
    });
    const { checks: referred } = verifyReferences(decision, message.refUID, references, expected);
    return [...checks, ...referred]
      .filter(({ name }) => name !== "attester")
      .map(({ name, passed, detail }) => ({
        title: TITLES[name] ?? name,
        status: passed ? "pass" : "fail",
        detail,
      }));
  });
}

/** The vault's state, the proof of the features, the notaries and the network. */
function ofInputs(shown: DecisionDetail, evidence: Evidence, network: string | undefined): Finding[] {
  const { decision, inputs, market } = evidence;
  if (inputs === undefined)
    return [{ title: "The vault's state", status: "open", detail: "the evidence does not bring it" }];
  return attempt("The vault's state", () => {
    const { state } = readInputs(inputs);
    const found = [
      equal("The vault's state is the one signed for", "its hash", stateHash(state), decision.stateHash),
      ofWeights(shown, state),
    ];
    if (decision.modelId === ZERO_BYTES32) return found;
    if (market === undefined)
      return [
        ...found,
        decision.action === 0
          ? {
              title: "The vault's network",
              status: "open",
              detail: "nothing was traded, so the vault was given nothing to run it on",
            }
          : {
              title: "The vault's network",
              status: "fail",
              detail: "a trade ahead of a breach must bring its features",
            },
      ];
    const asset = decision.holding === 0 ? undefined : state.holdings[decision.holding]?.asset;
    const isProof = features.isProof(market, asset);
    return [
      ...found,
      {
        title: "The network's inputs are a leaf of the market's tree",
        status: isProof ? "pass" : "fail",
        detail: isProof
          ? `${asset ?? "the market"}'s features lead to ${market.featuresRoot}`
          : `${asset ?? "the market"}'s features do not lead to ${market.featuresRoot}`,
      },
      ofNotaries(evidence, state),
      ...runNetwork({ decision, state, market, network, shownScore: shown.numbers.score }),
    ];
  });
}

function ofWeights(shown: DecisionDetail, state: VaultState): Finding {
  const title = "The weights shown are the vault's";
  const weights = weightsOf(state).map((weight) => Number(weight) / 1e18);
  const wrong = weights.findIndex((weight, i) => weight !== shown.weights[i]);
  return wrong < 0 && weights.length === shown.weights.length
    ? { title, status: "pass", detail: `${weights.length} weights, from its balances and prices` }
    : {
        title,
        status: "fail",
        detail: `holding ${wrong} is shown as ${shown.weights[wrong]}, and its balance makes ${weights[wrong]}`,
      };
}

function ofNotaries({ decision, market }: Evidence, state: VaultState): Finding {
  const title = "Notaries signed this market";
  const { inputRoot, decidedAt: at } = decision;
  const signers = recoverNotaries(
    { inputRoot, featuresRoot: market!.featuresRoot, at },
    market!.notarySignatures,
  );
  const known = new Set(signers.filter((signer): signer is Hex => signer !== undefined));
  if (known.size < state.notaryThreshold)
    return {
      title,
      status: "fail",
      detail: `${known.size} of ${signers.length} signatures count, and the vault wants ${state.notaryThreshold}`,
    };
  return {
    title,
    status: "pass",
    detail:
      known.size === 0
        ? "the vault wants none"
        : `${[...known].join(", ")}; the vault knows whether they are its own`,
  };
}

/** What somebody signed of the execution's outcome. */
function ofOutcome({ execution }: DecisionDetail, { offchain }: Evidence): Finding[] {
  if (!execution?.outcome || offchain === undefined) return [];
  const title = "The outcome was attested for this decision";
  return attempt(title, () => {
    const outcome = toOffchainAttestation(execution.outcome);
    if (recoverSigner(outcome) !== outcome.signer || offchainUid(outcome) !== outcome.uid)
      return { title, status: "fail", detail: `the signature is not ${outcome.signer}'s of this content` };
    return equal(
      title,
      "the attestation it refers to",
      outcome.message.refUID,
      toOffchainAttestation(offchain).uid,
    );
  });
}
