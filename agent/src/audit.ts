import { judgeProposal, ZERO_BYTES32 } from "@ballast/attest";
import { BallastError } from "@ballast/data";
import { type Forecast, forecastHash } from "@ballast/model";
import {
  type AuditMaterial,
  attempt,
  equal,
  type FeatureKit,
  fail,
  GIVE_MARKET,
  type Link,
  open,
  pass,
} from "./audit-links.ts";
import { auditMarket, auditNetwork, auditReferences } from "./audit-market.ts";
import { type DecisionInputs, decideAgain, readInputs } from "./inputs.ts";
import { stateHash } from "./state.ts";
import { REASONS, type VaultScorer } from "./types.ts";

/**
 * Follows a decision from the market to its trades, each link recomputed from public data. Pure; trusts nothing in the
 * evidence that it can recompute. The attestation's own form and signature are `verifyEvidence`'s.
 */
export function auditDecision(material: AuditMaterial, kit: FeatureKit): Link[] {
  const { evidence } = material;
  const { modelId } = evidence.decision;
  const inputs = evidence.inputs === undefined ? undefined : readAll(evidence.inputs);
  const links = [...auditData(material, kit)];
  if (modelId === ZERO_BYTES32) {
    links.push(pass("features", "none were needed: no breach network justifies this decision"));
  } else {
    links.push(...auditMarket(material, kit, inputs && "value" in inputs ? inputs.value : undefined));
    links.push(...auditNetwork(material, kit, inputs && "value" in inputs ? inputs.value : undefined));
    links.push(...auditReferences(material));
  }
  const forecast = forecastOf(material);
  links.push(forecast.link);
  if (inputs === undefined) {
    links.push(
      open("state", "the evidence does not bring the vault's state; take the evidence file, which does"),
    );
    links.push(
      open("policy", "the evidence does not bring what was decided on; take the evidence file, which does"),
    );
  } else if ("problem" in inputs) {
    links.push(fail("state", inputs.problem));
  } else {
    links.push(...auditState(material, inputs.value));
    links.push(...auditPolicy(material, kit, inputs.value, forecast));
  }
  return links;
}

function readAll(text: string): { readonly value: DecisionInputs } | { readonly problem: string } {
  try {
    return { value: readInputs(text) };
  } catch (error) {
    if (error instanceof BallastError) return { problem: error.message };
    throw error;
  }
}

function auditData({ evidence, snapshot, ownSnapshot, tolerance }: AuditMaterial, kit: FeatureKit): Link[] {
  const { inputRoot, decidedAt } = evidence.decision;
  if (snapshot === undefined) return [open("data", GIVE_MARKET)];
  const links = [
    equal("data", "the market's root", snapshot.root, inputRoot),
    equal(
      "data-time",
      "its last bar's close (Unix seconds)",
      BigInt(Math.floor(snapshot.at / 1000)),
      decidedAt,
    ),
  ];
  if (ownSnapshot === undefined) return links;
  return [
    ...links,
    ...attempt("data-source", () => {
      const featuresRoot = kit.table(snapshot).root;
      const found = judgeProposal(
        { inputRoot: snapshot.root, featuresRoot, snapshot },
        ownSnapshot,
        (s) => kit.table(s),
        tolerance,
      );
      if (found.kind === "refused") return [fail("data-source", found.detail)];
      const how =
        found.kind === "equal"
          ? "your source has the same bits"
          : `your source says the same within ${found.priceBps.toFixed(1)} bp of price and ${found.feature} of 1024 of a feature`;
      return [pass("data-source", how)];
    }),
  ];
}

/** The forecast made anew; what says that none was used needs none. */
function forecastOf({ evidence, snapshot, forecaster }: AuditMaterial): {
  readonly link: Link;
  readonly forecast?: Forecast | undefined;
  readonly isKnown: boolean;
} {
  const expected = evidence.decision.forecastHash;
  if (expected === ZERO_BYTES32) return { link: pass("forecast", "none was used"), isKnown: true };
  if (snapshot === undefined) return { link: open("forecast", GIVE_MARKET), isKnown: false };
  if (forecaster === undefined)
    return {
      link: open("forecast", "give --artefacts with the model"),
      isKnown: false,
    };
  try {
    const forecast = forecaster.run(snapshot);
    const link = equal("forecast", "the hash of the forecast made anew", forecastHash(forecast), expected);
    return { link, forecast, isKnown: link.status === "pass" };
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    return { link: fail("forecast", error.message), isKnown: false };
  }
}

const auditState = ({ evidence }: AuditMaterial, { state }: DecisionInputs): Link[] =>
  attempt("state", () => [
    equal("state", "the hash of the vault's state", stateHash(state), evidence.decision.stateHash),
  ]);

/** Stands for the network of a decision that never asked it; if deciding again does ask it, the decisions differ. */
const unasked = ({ state }: DecisionInputs): VaultScorer => ({
  modelId: state.model?.id ?? ZERO_BYTES32,
  scores: () => [],
});

function auditPolicy(
  { evidence, snapshot, network }: AuditMaterial,
  kit: FeatureKit,
  inputs: DecisionInputs,
  { forecast, isKnown }: ReturnType<typeof forecastOf>,
): Link[] {
  const { decision, trades } = evidence;
  if (snapshot === undefined) return [open("policy", GIVE_MARKET)];
  if (!isKnown) return [open("policy", "without the forecast it cannot be decided again")];
  const isWanted = inputs.hasScorer && inputs.state.model !== undefined;
  if (isWanted && network === undefined && decision.modelId !== ZERO_BYTES32)
    return [open("policy", "without the breach network it cannot be decided again")];
  return attempt("policy", () => {
    const scorer = network === undefined ? unasked(inputs) : kit.scorer(network);
    const again = decideAgain(inputs, snapshot, forecast, scorer);
    const field = (Object.keys(decision) as (keyof typeof decision)[]).find(
      (key) => String(again.decision[key]).toLowerCase() !== String(decision[key]).toLowerCase(),
    );
    if (field === undefined)
      return [
        pass(
          "policy",
          `deciding again gives the same decision (${again.reason}) and ${trades.length} trades`,
        ),
      ];
    const was = field === "reason" ? REASONS[decision.reason] : decision[field];
    const is = field === "reason" ? again.reason : again.decision[field];
    return [fail("policy", `deciding again gives another ${field}: ${is} in place of ${was}`)];
  });
}
