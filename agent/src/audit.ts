import {
  type Evidence,
  type FeatureTable,
  judgeProposal,
  type NotaryTolerance,
  recoverNotaries,
  toOffchainAttestation,
  verifyReferences,
  ZERO_BYTES32,
} from "@ballast/attest";
import { BallastError, type Hex, type Snapshot } from "@ballast/data";
import { type Forecast, type Forecaster, forecastHash, networkId } from "@ballast/model";
import { type DecisionInputs, decideAgain, readInputs } from "./inputs.ts";
import { stateHash } from "./state.ts";
import { REASONS, type VaultScorer } from "./types.ts";

/** One link of the chain of evidence. */
export interface Link {
  readonly name: string;
  readonly status: "pass" | "fail" | "not checked";
  /** One sentence with the values; what is wrong, or what to give so that it can be checked. */
  readonly detail: string;
}

/** Public data a stranger has got hold of. What is absent leaves its links unchecked. */
export interface AuditMaterial {
  readonly evidence: Evidence;
  /** The market as the decision saw it. */
  readonly snapshot?: Snapshot | undefined;
  /** The same bars from one's own source, where `snapshot` came with the evidence. */
  readonly ownSnapshot?: Snapshot | undefined;
  readonly tolerance: NotaryTolerance;
  /** Bytes of the breach network, from a store or from the chain. */
  readonly network?: Uint8Array | undefined;
  /** The forecaster that the model's attestation names, and its id. */
  readonly forecaster?: { readonly id: Hex; readonly run: Forecaster } | undefined;
  /** The vault's notaries and how many of them it wants; asked of the vault. */
  readonly notaries?: { readonly isKnown: (address: Hex) => boolean; readonly threshold: number } | undefined;
}

/** What the model room knows of features and networks. */
export interface FeatureKit {
  table(snapshot: Snapshot): FeatureTable;
  /** Of the asset of a holding; the first is the base asset, whose row is the market's. */
  prove(
    snapshot: Snapshot,
    asset: string | undefined,
  ): { readonly featuresRoot: Hex; readonly features: Hex; readonly path: readonly Hex[] };
  /** Whether a proof leads from the features of an asset to the root. */
  isProof(
    proof: { readonly featuresRoot: Hex; readonly features: Hex; readonly path: readonly Hex[] },
    asset: string | undefined,
  ): boolean;
  /** Throws BadNetworkError. */
  scorer(bytes: Uint8Array): VaultScorer;
}

const pass = (name: string, detail: string): Link => ({ name, status: "pass", detail });
const fail = (name: string, detail: string): Link => ({ name, status: "fail", detail });
const open = (name: string, detail: string): Link => ({ name, status: "not checked", detail });
const equal = (name: string, what: string, found: unknown, expected: unknown): Link =>
  found === expected
    ? pass(name, `${what} is ${expected}`)
    : fail(name, `${what} is ${found}, and the decision has ${expected}`);

/** What it throws as a failed link, because bad evidence is a finding here and not an error. */
function attempt(name: string, work: () => Link[]): Link[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof BallastError) return [fail(name, error.message)];
    throw error;
  }
}

const GIVE_MARKET = "give --bars, --exchange or --snapshot with the market it was made from";

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

/** The asset of the decision's holding; undefined for the base asset. */
const assetOf = ({ state }: DecisionInputs, holding: number): string | undefined =>
  holding === 0 ? undefined : state.holdings[holding]?.asset;

function auditMarket(
  { evidence, snapshot, notaries }: AuditMaterial,
  kit: FeatureKit,
  inputs: DecisionInputs | undefined,
): Link[] {
  const { decision, market } = evidence;
  if (market === undefined)
    return [
      decision.action === 0
        ? pass("features", "the vault was given none: it held")
        : fail("features", "a trade ahead of a breach must bring its features, and this one brings none"),
    ];
  const links: Link[] = [];
  if (inputs === undefined) {
    links.push(
      open("features", "which asset they are of, only the evidence's inputs say; take the evidence file"),
    );
  } else {
    const asset = assetOf(inputs, decision.holding);
    const of = asset ?? "the market";
    links.push(
      kit.isProof(market, asset)
        ? pass("features-proof", `the features of ${of} are a leaf of ${market.featuresRoot}`)
        : fail(
            "features-proof",
            `the proof does not lead from the features of ${of} to ${market.featuresRoot}`,
          ),
    );
    links.push(
      ...(snapshot === undefined
        ? [open("features", GIVE_MARKET)]
        : attempt("features", () => {
            const own = kit.prove(snapshot, asset);
            if (own.features !== market.features)
              return [
                fail(
                  "features",
                  `the market's features of ${of} are ${own.features}, and ${market.features} were used`,
                ),
              ];
            return [equal("features", "the root of all features", own.featuresRoot, market.featuresRoot)];
          })),
    );
  }
  const { inputRoot, decidedAt: at } = decision;
  const statement = { inputRoot, featuresRoot: market.featuresRoot, at };
  const signers = recoverNotaries(statement, market.notarySignatures);
  if (signers.includes(undefined)) {
    links.push(fail("notaries", `signature ${signers.indexOf(undefined)} is nobody's of this market`));
  } else if (notaries === undefined) {
    links.push(
      open(
        "notaries",
        `signed by ${signers.join(", ") || "nobody"}; give --rpc to ask the vault whether they count`,
      ),
    );
  } else {
    const strange = (signers as Hex[]).find((signer) => !notaries.isKnown(signer));
    const isEnough = new Set(signers).size >= notaries.threshold;
    const detail = `signed by ${signers.join(", ") || "nobody"}; the vault wants ${notaries.threshold}`;
    links.push(
      strange !== undefined
        ? fail("notaries", `${strange} signed and is no notary of the vault`)
        : isEnough
          ? pass("notaries", detail)
          : fail("notaries", detail),
    );
  }
  return links;
}

function auditNetwork(
  { evidence, network, snapshot }: AuditMaterial,
  kit: FeatureKit,
  inputs: DecisionInputs | undefined,
): Link[] {
  const { modelId, holding, action } = evidence.decision;
  if (network === undefined)
    return [open("network", "give --artefacts with the breach network, or --rpc to read it from the chain")];
  const id = networkId(network);
  if (id !== modelId)
    return [fail("network", `the network's bytes hash to ${id}, and the decision names ${modelId}`)];
  const links = [pass("network", `${network.length} bytes hash to ${modelId}`)];
  if (snapshot === undefined) return [...links, open("score", GIVE_MARKET)];
  if (inputs === undefined)
    return [...links, open("score", "take the evidence file, which brings the vault's state")];
  return [
    ...links,
    ...attempt("score", () => {
      const score = kit.scorer(network).scores(snapshot, inputs.state)[holding];
      const { minScore } = inputs.state;
      if (score === undefined)
        return [fail("score", `holding ${holding} has no score: its weight is outside its band`)];
      const found = `holding ${holding} scores ${score}, and the vault wants ${minScore} (of 1024)`;
      return [action === 0 || score >= minScore ? pass("score", found) : fail("score", found)];
    }),
  ];
}

function auditReferences({ evidence, forecaster }: AuditMaterial): Link[] {
  const { decision, references = [], offchain } = evidence;
  if (offchain === undefined || references.length === 0)
    return [
      open("model-attestation", "the evidence does not bring the attestations of its model and dataset"),
    ];
  return attempt("model-attestation", () => {
    const { domain, message } = toOffchainAttestation(offchain);
    const expected = {
      chainId: domain.chainId,
      easAddress: domain.verifyingContract,
      easVersion: domain.version,
    };
    const found = verifyReferences(decision, message.refUID, references, expected);
    const links = found.checks.map(
      ({ name, passed, detail }): Link => (passed ? pass(name, detail) : fail(name, detail)),
    );
    if (found.model === undefined || forecaster === undefined) return links;
    const { forecasterId } = found.model.record;
    return [
      ...links,
      forecasterId === forecaster.id
        ? pass("forecaster", `the attested model forecasts with ${forecasterId}`)
        : fail(
            "forecaster",
            `the attested model forecasts with ${forecasterId}, and ${forecaster.id} was given`,
          ),
    ];
  });
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
