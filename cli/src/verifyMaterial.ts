import { type AuditMaterial, readInputs } from "@ballast/agent";
import { type Evidence, recoverNotaries, ZERO_BYTES32 } from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import {
  BallastError,
  fileSource,
  type Hex,
  isBarStore,
  isoTime,
  openArtefactStore,
  type Snapshot,
  storeSource,
  toMarket,
  unixMillis,
} from "@ballast/data";
import { lookbackBars, readManifest, toForecaster } from "@ballast/model";
import { Contract, type JsonRpcProvider } from "ethers";
import { breachNetworkOf, findModelOf } from "./breachNetwork.ts";
import { openOwnSource } from "./notarySource.ts";
import { readSnapshot } from "./snapshots.ts";
import type { Terminal } from "./terminal.ts";
import { fetchNetwork } from "./verifySubject.ts";

export interface MaterialOptions {
  readonly snapshot?: string;
  readonly bars?: string;
  readonly exchange?: string;
  readonly exchangeUrl?: string;
  readonly quote: string;
  readonly store: string;
  readonly artefacts?: string;
  readonly featureTolerance: number;
  readonly priceTolerance: number;
}

/** An exchange is asked for one market: a snapshot must say which. */
export class SnapshotMissingError extends BallastError {
  readonly code = "SNAPSHOT_MISSING";
}

/**
 * What the options and the chain give to recompute a decision from.
 * Errors: those of the sources and stores; what is simply not given stays absent.
 */
export async function toMaterial(
  evidence: Evidence,
  vault: Hex,
  options: MaterialOptions,
  provider: JsonRpcProvider | undefined,
  terminal: Terminal,
): Promise<AuditMaterial> {
  const { modelId } = evidence.decision;
  const given = options.snapshot === undefined ? undefined : readSnapshot(options.snapshot);
  const own = await observeOwn(evidence, options, given);
  const stored = await readStored(evidence, options.artefacts);
  const fromChain =
    provider !== undefined && stored.network === undefined && modelId !== ZERO_BYTES32
      ? await fetchNetwork(provider, vault, modelId)
      : undefined;
  return {
    evidence,
    tolerance: { feature: options.featureTolerance, priceBps: options.priceTolerance },
    snapshot: given ?? own,
    ownSnapshot: given === undefined ? undefined : own,
    network: stored.network ?? fromChain,
    forecaster: stored.forecaster,
    manifests: stored.manifests,
    training: await readTraining(stored.manifests, modelId, options, terminal),
    notaries: provider && (await fetchNotaries(provider, vault, evidence)),
  };
}

/** The same market from one's own source: of the shape of the snapshot that was given, or out of recorded bars. */
async function observeOwn(
  { decision }: Evidence,
  options: MaterialOptions,
  given: Snapshot | undefined,
): Promise<Snapshot | undefined> {
  const { bars, exchange } = options;
  if (bars === undefined && exchange === undefined) return undefined;
  if (given !== undefined) {
    const source = await openOwnSource({ ...options, exchange: exchange ?? "binance" }, () =>
      unixMillis(Date.now()),
    );
    try {
      return await source.observe(given, new AbortController().signal);
    } finally {
      source.close();
    }
  }
  if (bars === undefined)
    throw new SnapshotMissingError(
      "--exchange compares a snapshot with an exchange: give --snapshot with the market the decision was made from.",
    );
  const raw = await ((await isBarStore(bars)) ? storeSource(bars) : fileSource(bars)).load({});
  const at = unixMillis(Number(decision.decidedAt) * 1000);
  const { market } = toMarket(raw, { now: unixMillis(Date.now()) });
  return market.past(at).snapshot(lookbackBars(market.intervalMs));
}

/** The model whose breach network the decision, or the vault's state, names: both of it run again. */
async function readStored(
  { decision, inputs }: Evidence,
  artefacts: string | undefined,
): Promise<Pick<AuditMaterial, "network" | "forecaster" | "manifests">> {
  // Where the decision did not come to ask its network, the vault's state still names it.
  const known = inputs === undefined ? undefined : readInputs(inputs).state.model?.id;
  const id = decision.modelId === ZERO_BYTES32 ? known : decision.modelId;
  if (artefacts === undefined || id === undefined) return {};
  const store = await openArtefactStore(artefacts);
  try {
    const model = await findModelOf(store, id);
    return {
      network: model && breachNetworkOf(model.artefact),
      forecaster: model && { id: model.id, run: toForecaster(model.artefact) },
      manifests: await Promise.all((await store.list("manifest")).map((hash) => store.get(hash))),
    };
  } finally {
    store.close();
  }
}

/**
 * The root of the bars that a model was trained on, by the manifest that names the breach network, out of one's own
 * bars. What they do not reach is said and not thrown: they may well do for the decision's market.
 */
async function readTraining(
  manifests: AuditMaterial["manifests"],
  breachNetworkId: Hex,
  { bars, snapshot }: MaterialOptions,
  terminal: Terminal,
): Promise<AuditMaterial["training"]> {
  if (bars === undefined || manifests === undefined || breachNetworkId === ZERO_BYTES32) return undefined;
  const manifest = manifests.map(readManifest).find((one) => one.breachNetwork?.id === breachNetworkId);
  if (manifest === undefined) return undefined;
  const { intervalMs, from, until } = manifest.dataset;
  const { readSameDataset, toMillis } = await import("./trainingData.ts");
  try {
    const market = await readSameDataset(manifest, { bars }, terminal);
    const end = market.start + market.length * market.intervalMs;
    if (market.intervalMs !== intervalMs || market.start > toMillis(from) || end < toMillis(until))
      return {
        problem: `these have ${market.assets.join(", ")} from ${isoTime(market.start)} until ${isoTime(end)}`,
      };
    // Beside a snapshot they are another source's, and only without one the decision's very own.
    return { root: market.hash, isOther: snapshot !== undefined };
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    return { problem: error.message };
  }
}

/** Which of the signers the vault counts, and how many it wants. */
async function fetchNotaries(
  provider: JsonRpcProvider,
  vault: Hex,
  { decision, market }: Evidence,
): Promise<AuditMaterial["notaries"]> {
  if (market === undefined) return undefined;
  const { inputRoot, decidedAt: at } = decision;
  const statement = { inputRoot, featuresRoot: market.featuresRoot, at };
  const signers = recoverNotaries(statement, market.notarySignatures).filter(
    (signer) => signer !== undefined,
  );
  const contract = new Contract(vault, vaultAbi, provider);
  const { notaryThreshold } = await contract.getFunction("settings").staticCall();
  const answers: boolean[] = await Promise.all(
    signers.map((signer) => contract.getFunction("isNotary").staticCall(signer)),
  );
  const known = new Set(signers.filter((_, i) => answers[i]));
  return { isKnown: (signer) => known.has(signer), threshold: Number(notaryThreshold) };
}
