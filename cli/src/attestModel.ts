import {
  assertEasVersion,
  DATASET_SCHEMA,
  type EasDomain,
  fetchEasVersion,
  MODEL_SCHEMA,
  signRecord,
  toRecords,
} from "@ballast/attest";
import { BallastError, type Hex } from "@ballast/data";
import type { ModelManifest } from "@ballast/model";
import type { Signer } from "ethers";
import { connect } from "./chain.ts";
import { writeWhole } from "./folders.ts";
import { type KeyOptions, unlockKeystore } from "./key.ts";
import { findManifest, type ModelsOptions } from "./models.ts";
import type { Terminal } from "./terminal.ts";

/** A model's off-chain attestation and, before it in the chain, its dataset's. */
export interface AttestedModel {
  readonly uid: Hex;
  /** JSON texts, as evidence brings them along. */
  readonly references: readonly string[];
}

/**
 * Signs, off chain, what a model was trained on and how good it was out of sample. All of it is in the manifest.
 * @param modelId Of the breach network, which the vault runs.
 * @param time Unix seconds.
 */
export async function attestModel(
  manifest: ModelManifest,
  modelId: Hex,
  domain: EasDomain,
  signer: Signer,
  time: bigint,
): Promise<AttestedModel> {
  const own = { ...domain, signer, time };
  const { dataset, model } = toRecords(manifest);
  const data = await signRecord({ ...own, schema: DATASET_SCHEMA, record: dataset });
  const signed = await signRecord({
    ...own,
    schema: MODEL_SCHEMA,
    record: { ...model, modelId },
    refUID: data.uid,
  });
  return { uid: signed.uid, references: [signed.json, data.json] };
}

export interface AttestModelOptions extends ModelsOptions, KeyOptions {
  readonly rpc: string;
  readonly eas: string;
  readonly out: string;
}

export class NoBreachNetworkError extends BallastError {
  readonly code = "NO_BREACH_NETWORK";
  readonly modelId: Hex;
  constructor(modelId: Hex) {
    super(
      `Model ${modelId} has no breach network for a vault to run. Train it again with \`ballast train\`.`,
    );
    this.modelId = modelId;
  }
}

/** `ballast models attest`: signs a stored model's attestations for one EAS and leaves them in a file. */
export async function runAttestModel(
  id: string,
  options: AttestModelOptions,
  terminal: Terminal,
): Promise<void> {
  const manifest = await findManifest(id, options.artefacts);
  const networkId = manifest.breachNetwork?.id;
  if (networkId === undefined) throw new NoBreachNetworkError(manifest.modelId);
  const signer = await unlockKeystore(options, terminal);
  const provider = await connect(options.rpc);
  try {
    const easAddress = options.eas.toLowerCase() as Hex;
    const easVersion = await fetchEasVersion(provider, easAddress);
    assertEasVersion(easVersion, easAddress);
    const { chainId } = await provider.getNetwork();
    const domain = { chainId, easAddress, easVersion, schemaUid: MODEL_SCHEMA.uid };
    const { uid, references } = await attestModel(
      manifest,
      networkId,
      domain,
      signer,
      BigInt(Math.floor(Date.now() / 1000)),
    );
    writeWhole(options.out, `[${references.join(",\n")}]\n`);
    const summary = { modelId: networkId, attestationUid: uid, signer: signer.address, file: options.out };
    if (options.json) return terminal.result(JSON.stringify(summary));
    terminal.result(`Breach network  ${networkId}`);
    terminal.result(`Attestation     ${uid}, signed by ${signer.address}`);
    terminal.result(`Evidence        ${options.out}, for \`ballast agent --references\``);
    terminal.result(
      "Register it with the vault: registerModel(breach network, contract that holds its bytes, attestation).",
    );
  } finally {
    provider.destroy();
  }
}
