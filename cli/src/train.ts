import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Hex, isoTime, openArtefactStore, type UnixMillis, unixMillis } from "@ballast/data";
import {
  type BackendName,
  type Evaluated,
  formatTrainingPlan,
  readSetting,
  readTrainingFile,
  storeModel,
  type TrainedModel,
  type TrainingFile,
  type TrainingPlan,
  toTrainingPage,
  toTrainingPlan,
  toTrainingReport,
  train,
  whileFrozen,
} from "@ballast/training";
import { describeBreachNetwork } from "./breachScores.ts";
import { readConfigText } from "./configFile.ts";
import { describeCosts } from "./costScores.ts";
import { checkWritable, FolderError, writeWhole } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";
import { fetchPlanned, readDataset } from "./trainingData.ts";

export interface TrainOptions {
  readonly config?: string;
  readonly set?: string[];
  readonly printConfig?: boolean;
  readonly check?: string;
  readonly bars?: string;
  readonly store?: string;
  readonly assets?: string[];
  readonly from?: UnixMillis;
  readonly until?: UnixMillis;
  readonly seed?: number;
  readonly backend?: BackendName;
  readonly artefacts?: string;
  readonly reports?: string;
  readonly json?: boolean;
}

export async function runTrain(options: TrainOptions, terminal: Terminal): Promise<void> {
  const plan = toPlan(options);
  if (options.printConfig) return terminal.result(formatTrainingPlan(plan).trimEnd());
  if (options.check !== undefined)
    return (await import("./trainCheck.ts")).runCheck(options.check, plan, terminal);
  const trained = await trainPlan(plan, terminal);
  terminal.result(options.json ? JSON.stringify(trained.manifest) : trained.modelId);
}

/** Fetches, freezes, trains, stores and reports; a scheduled training is this and nothing else. */
export async function trainPlan(plan: TrainingPlan, terminal: Terminal): Promise<TrainedModel> {
  await fetchPlanned(plan, terminal);
  const now = unixMillis(Date.now());
  let isFirst = true;
  const load = () => {
    const market = readDataset(plan, now, terminal, isFirst);
    isFirst = false;
    return market;
  };
  const { trained, evaluated } = await whileFrozen(load, async (market) => {
    checkWritable(plan.artefacts, "--artefacts");
    checkWritable(plan.reports, "--reports");
    return trainOn(market, plan, terminal);
  });
  const artefacts = await openArtefactStore(plan.artefacts);
  const { manifestHash } = await storeModel(artefacts, trained);
  artefacts.close();
  describeScores(trained, terminal);
  const page = writeReport(plan.reports, trained, evaluated, manifestHash);
  terminal.say(`Manifest ${manifestHash} in ${plan.artefacts}.`);
  terminal.say(`Report ${page}, and beside it the same as JSON.`);
  return trained;
}

/** Options before settings before the file before defaults. Errors: BadConfigError. */
export function toPlan(options: TrainOptions): TrainingPlan {
  const { config, set = [], bars, store, assets, from, until, seed, backend, artefacts, reports } = options;
  const given: TrainingFile = {
    ...(bars !== undefined && { data: { bars } }),
    ...(bars === undefined && store !== undefined && { data: { store } }),
    ...(assets && { assets }),
    ...(from !== undefined && { from: isoTime(from) }),
    ...(until !== undefined && { until: isoTime(until) }),
    ...(backend && { backend }),
    ...(seed !== undefined && { training: { seed } }),
    ...(artefacts !== undefined && { artefacts }),
    ...(reports !== undefined && { reports }),
  };
  return toTrainingPlan(
    config === undefined ? {} : readTrainingFile(readConfigText(config), config),
    ...set.map(readSetting),
    given,
  );
}

/** One training under a progress bar, which Ctrl-C ends in order. */
export async function trainOn(
  market: Parameters<typeof train>[0],
  plan: Pick<TrainingPlan, "training" | "backend">,
  terminal: Terminal,
): Promise<{ readonly trained: TrainedModel; readonly evaluated: Evaluated }> {
  const until = unixMillis(market.start + market.length * market.intervalMs);
  let evaluated: Evaluated | undefined;
  const trained = await interruptible("nothing was stored", (signal) => {
    terminal.step(`Training on ${market.assets.length} assets.`);
    return terminal.track("training", (onProgress) =>
      train(market, plan.training, {
        until,
        backend: plan.backend,
        log: (line) => terminal.say(line),
        signal,
        onProgress,
        onEvaluated: (handed) => {
          evaluated = handed;
        },
      }),
    );
  });
  return { trained, evaluated: evaluated! };
}

function describeScores(
  { manifest: { metrics, calibration, breachNetwork, costs } }: TrainedModel,
  terminal: Terminal,
): void {
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
  for (const line of describeBreachNetwork(breachNetwork)) terminal.say(line);
  for (const line of describeCosts(costs)) terminal.say(line);
}

/** Returns the page's path. Errors: FolderError */
function writeReport(folder: string, trained: TrainedModel, evaluated: Evaluated, manifestHash: Hex): string {
  const report = toTrainingReport(trained.manifest, evaluated);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new FolderError(folder, error as NodeJS.ErrnoException, "--reports");
  }
  const path = (extension: string) => join(folder, `${trained.modelId}.${extension}`);
  writeWhole(path("json"), JSON.stringify(report));
  writeWhole(path("html"), toTrainingPage(report, manifestHash));
  return path("html");
}
