import { Command, Option } from "commander";
import { toList, toTime, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const trainCommand = (): Command =>
  new Command("train")
    .description(
      "Fits the network walk-forward, scores it against log-HAR, and stores it with its manifest by content hash.",
    )
    .option("--bars <folder>", "recorded bars, one file an asset")
    .option("--store <folder>", "bars that `ballast fetch` stored; the default, in .ballast/market")
    .option("--assets <list>", "only these", toList)
    .option("--until <time>", "train on what was known before; default: all there is", toTime)
    .option("--seed <n>", "seed of the training", toWhole(1, 2 ** 31 - 1), 1)
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
    .action(async (options) => (await import("../train.ts")).runTrain(options, openTerminal()));
