import { parentPort, workerData } from "node:worker_threads";
import { BallastError, type Hex, openArtefactStore } from "@ballast/data";
import { chooseBackend } from "../backend.ts";
import type { Dataset } from "../dataset.ts";
import { readDataset } from "./dataset-bytes.ts";
import type { ThreadAnswer } from "./threads.ts";
import { type Trial, type TrialResult, validationLoss } from "./trial.ts";

/** The code of one thread: it takes a trial as a message and answers with its result, one after the other. */
const { artefacts } = workerData as { readonly artefacts: string };
let started: Promise<string> | undefined;
let kept: { readonly root: Hex; readonly dataset: Dataset } | undefined;

class OtherBackendError extends BallastError {
  readonly code = "OTHER_BACKEND";
  constructor(wanted: string, own: string) {
    super(`the sweep computes on ${wanted} and this worker has ${own}. Install the same version on both.`);
  }
}

async function answer(trial: Trial): Promise<TrialResult> {
  started ??= chooseBackend("wasm", () => {}).then(({ name, version }) => `${name} ${version}`);
  const own = await started;
  if (own !== trial.backend) throw new OtherBackendError(trial.backend, own);
  if (kept?.root !== trial.dataset) {
    const store = await openArtefactStore(artefacts);
    try {
      // The store hashes what it reads, so that this is the data set of that root or none.
      kept = { root: trial.dataset, dataset: readDataset(await store.get(trial.dataset)) };
    } finally {
      store.close();
    }
  }
  return { loss: await validationLoss(kept.dataset, trial.config, trial.seed, trial.epochs) };
}

parentPort?.on("message", async (trial: Trial) => {
  const message: ThreadAnswer = await answer(trial).then(
    (result) => ({ result }),
    (error: Error) => ({ error: error instanceof BallastError ? error.message : String(error.stack) }),
  );
  parentPort?.postMessage(message);
});
