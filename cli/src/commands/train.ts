import { openArtefactStore, storeSource, toMarket, type UnixMillis, unixMillis } from "@ballast/data";
import { type BackendName, DEFAULT_TRAIN_CONFIG, storeModel, train } from "@ballast/training";
import { Command, Option } from "commander";
import { loadMarket } from "../market.ts";
import { toList, toTime, toWhole } from "../options.ts";
import { openTerminal, type Terminal } from "../terminal.ts";

interface TrainOptions {
  readonly bars?: string;
  readonly store?: string;
  readonly assets?: string[];
  readonly until?: UnixMillis;
  readonly seed: number;
  readonly backend?: BackendName;
  readonly artefacts: string;
  readonly json?: boolean;
}

export const trainCommand = (): Command =>
  new Command("train")
    .description(
      "Fits the network walk-forward, scores it against log-HAR, and stores it with its manifest by content hash.",
    )
    .option("--bars <folder>", "recorded bars, one file an asset")
    .option("--store <folder>", "bars that `ballast fetch` stored; the default, in .ballast/market")
    .option("--assets <list>", "only these", toList)
    .option("--until <time>", "train on what was known before; default: all there is", toTime)
    .option("--seed <n>", "seed of the training", toWhole(1, 2 ** 31 - 1), DEFAULT_TRAIN_CONFIG.seed)
    .addOption(
      new Option("--backend <name>", "TensorFlow.js backend; default: the first that runs here").choices([
        "tfjs-node",
        "wasm",
        "cpu",
      ]),
    )
    .option("--artefacts <folder>", "where models go", ".ballast/artefacts")
    .option("--json", "the manifest as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- train --bars ./bars\n  npm run ballast -- train --assets BTC,ETH,SOL --until 2024-06-01 --seed 7",
    )
    .action((options: TrainOptions) => runTrain(options, openTerminal()));

async function runTrain(options: TrainOptions, terminal: Terminal): Promise<void> {
  const now = unixMillis(Date.now());
  const market = await toTrainingMarket(options, now, terminal);
  const until = options.until ?? unixMillis(market.start + market.length * market.intervalMs);
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("stopped by the user; nothing was stored"));
  process.once("SIGINT", onSignal);
  try {
    terminal.step(`Training on ${market.assets.length} assets.`);
    const trained = await terminal.track("training", (onProgress) =>
      train(
        market,
        { ...DEFAULT_TRAIN_CONFIG, seed: options.seed },
        {
          until,
          backend: options.backend,
          log: (line) => terminal.say(line),
          signal: stop.signal,
          onProgress,
        },
      ),
    );
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
  } finally {
    process.off("SIGINT", onSignal);
  }
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
  terminal.step(`Reading the bars stored in ${folder}.`);
  const raw = await storeSource(folder).load({ assets: options.assets });
  return toMarket(raw, { now }).market;
}
