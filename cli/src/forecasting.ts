import { readFileSync } from "node:fs";
import { features, type Json, type VaultScorer } from "@ballast/agent";
import { type Hex, openArtefactStore } from "@ballast/data";
import { type Forecaster, readModel, toForecaster } from "@ballast/model";
import { AgentOptionError, type AgentOptions } from "./agentOptions.ts";
import { breachNetworkOf } from "./breachNetwork.ts";
import { describeExpiry, readChampion, untilExpiry } from "./champion.ts";
import type { Terminal } from "./terminal.ts";

/** A model at work: how it forecasts, and the network of it that the vault runs. */
export interface Forecasting {
  readonly forecaster: Forecaster;
  /** Of the breach network that belongs to the model; absent where the store has none. */
  readonly scorer: VaultScorer | undefined;
}

/** The model of `--model`; undefined without one. Errors: those of the store, and BadModelError. */
export async function readForecasting(
  { model, artefacts, at }: AgentOptions,
  terminal: Terminal,
): Promise<Forecasting | undefined> {
  if (model === undefined) {
    terminal.say("No --model: decides without a forecast.");
    return undefined;
  }
  const champion = model === "champion" ? await readChampion(artefacts) : undefined;
  if (champion !== undefined) terminal.say(describeExpiry(champion, at ?? Date.now()));
  const store = await openArtefactStore(artefacts);
  try {
    const modelId = champion?.modelId ?? (model as Hex);
    const artefact = readModel(await store.get(modelId));
    const forecaster = toForecaster(artefact);
    const network = breachNetworkOf(artefact);
    if (network === undefined)
      terminal.say("This model has no breach network: trades wait until a weight has left its band.");
    return {
      forecaster: champion === undefined ? forecaster : untilExpiry(forecaster, champion),
      scorer: network && features.scorer(network),
    };
  } finally {
    store.close();
  }
}

/** Off-chain attestations of the model and its dataset, for the evidence: a JSON array of `{signer, sig}`. */
export function readReferences(path: string): Json {
  let value: Json | undefined;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "it is no JSON";
    throw new AgentOptionError(
      `--references ${path} cannot be read (${why}); give the file that \`ballast models attest\` wrote.`,
    );
  }
  if (!Array.isArray(value)) throw new AgentOptionError(`--references ${path} is no array of attestations.`);
  return value;
}
