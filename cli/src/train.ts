import {
  BallastError,
  isBarStore,
  openArtefactStore,
  storeSource,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { type BackendName, DEFAULT_TRAIN_CONFIG, storeModel, train } from "@ballast/training";
import { checkWritable } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import { loadMarket } from "./market.ts";
import type { Terminal } from "./terminal.ts";

export interface TrainOptions {
  readonly bars?: string;
  readonly store?: string;
  readonly assets?: string[];
  readonly until?: UnixMillis;
  readonly seed: number;
  readonly backend?: BackendName;
  readonly artefacts: string;
  readonly json?: boolean;
}

export class NothingFetchedError extends BallastError {
  readonly code = "NOTHING_FETCHED";
  readonly folder: string;
  constructor(folder: string) {
    super(
      `${folder} holds no fetched bars. Fetch some with \`ballast fetch\`, or give --bars a folder of files.`,
    );
    this.folder = folder;
  }
}

export async function runTrain(options: TrainOptions, terminal: Terminal): Promise<void> {
  const now = unixMillis(Date.now());
  const market = await toTrainingMarket(options, now, terminal);
  const until = options.until ?? unixMillis(market.start + market.length * market.intervalMs);
  checkWritable(options.artefacts, "--artefacts");
  const trained = await interruptible("nothing was stored", (signal) => {
    terminal.step(`Training on ${market.assets.length} assets.`);
    return terminal.track("training", (onProgress) =>
      train(
        market,
        { ...DEFAULT_TRAIN_CONFIG, seed: options.seed },
        { until, backend: options.backend, log: (line) => terminal.say(line), signal, onProgress },
      ),
    );
  });
  const artefacts = await openArtefactStore(options.artefacts);
  const { modelId, manifestHash } = await storeModel(artefacts, trained);
  artefacts.close();
  const { metrics, calibration } = trained.manifest;
  terminal.say(
    "Out of sample, QLIKE as a ratio to log-HAR of each asset; t is Diebold-Mariano's, below 0 is better:",
  );
  for (const { horizonHours, ratioToLogHar, tAgainstLogHar } of metrics) {
    terminal.say(
      `${String(horizonHours).padStart(4)} h: network ${ratioToLogHar.network.toFixed(3)} (t ${tAgainstLogHar.toFixed(1)})`,
    );
  }
  terminal.say(
    `Breach probability: Brier skill ${calibration.brierSkillRaw.toFixed(3)} raw, ${calibration.brierSkillCalibrated.toFixed(3)} recalibrated.`,
  );
  terminal.say(`Manifest ${manifestHash} in ${options.artefacts}.`);
  terminal.result(options.json ? JSON.stringify(trained.manifest) : modelId);
}

async function toTrainingMarket(options: TrainOptions, now: UnixMillis, terminal: Terminal) {
  if (options.bars !== undefined) {
    const { market } = await loadMarket(
      { bars: options.bars, assets: options.assets, seed: options.seed, hours: 0, now },
      terminal,
    );
    return market;
  }
  const folder = options.store ?? ".ballast/market";
  if (!(await isBarStore(folder))) throw new NothingFetchedError(folder);
  terminal.step(`Reading the bars stored in ${folder}.`);
  const raw = await storeSource(folder).load({ assets: options.assets });
  return toMarket(raw, { now }).market;
}
