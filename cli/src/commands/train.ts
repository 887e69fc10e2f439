import { Command, Option } from "commander";
import { toInterval, toList, toTime, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const trainCommand = (): Command =>
  new Command("train")
    .description(
      "Fits the network walk-forward, scores it against log-HAR, and stores it with its manifest by content hash.",
    )
    .option("--config <file>", "YAML with any of the settings; see docs/train.yaml")
    .option(
      "--set <key=value>",
      "one setting, as training.folds=6; may be repeated",
      (setting, all: string[] = []) => [...all, setting],
    )
    .option("--print-config", "print all settings in force, as YAML, and end")
    .option(
      "--check <manifest>",
      "train again what a manifest describes, and compare; exit status 1 where it differs",
    )
    .option("--bars <folder>", "recorded bars, one file an asset")
    .option("--store <folder>", "bars that `ballast fetch` stored; the default, in .ballast/market")
    .option("--assets <list>", "only these", toList)
    .option("--from <time>", "train on what was recorded since; default: all there is", toTime)
    .option("--until <time>", "train on what was known before; default: all there is", toTime)
    .option("--seed <n>", "seed of the training; default: 1", toWhole(1, 2 ** 31 - 1))
    .addOption(
      new Option("--backend <name>", "TensorFlow.js backend; default: the first that runs here").choices([
        "tfjs-node",
        "wasm",
        "cpu",
      ]),
    )
    .option("--artefacts <folder>", "where models go; default: .ballast/artefacts")
    .option("--reports <folder>", "where reports go; default: reports in the folder of the models")
    .option("--every <interval>", "train now and again each 24h or the like, until stopped", toInterval)
    .option("--drift", "with --every: look each hour, and train when features or calibration have drifted")
    .option("--json", "the manifest, or with --every each event, as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- train --bars ./bars\n  npm run ballast -- train --assets BTC,ETH,SOL --until 2024-06-01 --seed 7\n  npm run ballast -- train --config docs/train.yaml --set training.folds=6\n  npm run ballast -- train --check 0x… --bars ./bars\n  npm run ballast -- train --config docs/train.yaml --every 24h --drift",
    )
    .action(async (options, command: Command) => {
      if (options.every !== undefined)
        return (await import("../schedule.ts")).runScheduledTraining(options, openTerminal());
      if (options.drift) command.error("error: --drift goes with --every, as --every 24h --drift");
      return (await import("../train.ts")).runTrain(options, openTerminal());
    });
