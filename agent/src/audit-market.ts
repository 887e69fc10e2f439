import { recoverNotaries, toOffchainAttestation, verifyReferences } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { networkId } from "@ballast/model";
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
import { auditManifest } from "./audit-manifest.ts";
import type { DecisionInputs } from "./inputs.ts";

/** The asset of the decision's holding; undefined for the base asset. */
const assetOf = ({ state }: DecisionInputs, holding: number): string | undefined =>
  holding === 0 ? undefined : state.holdings[holding]?.asset;

/** Features, proof and notaries of a decision ahead of a breach. */
export function auditMarket(
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

/** The breach network, and its score. */
export function auditNetwork(
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

/** The attestations of its model and dataset, and the manifest that they were made from. */
export function auditReferences(material: AuditMaterial): Link[] {
  const { evidence, forecaster } = material;
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
    if (found.model === undefined) return links;
    links.push(...auditManifest(found.model.record, found.dataset?.record, material));
    if (forecaster === undefined) return links;
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
