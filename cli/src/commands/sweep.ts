import { availableParallelism } from "node:os";
import { Command } from "commander";
import { toList, toTime, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const sweepCommand = (): Command =>
  new Command("sweep")
    .description(
      "Searches hyper-parameters by successive halving, on times before the first test fold; started again, it goes on.",
    )
    .option("--config <file>", "training file that the sweep starts from; default: that of `train`")
    .option(
      "--set <key=value>",
      "one setting over the file, as training.maxEpochs=24; may be repeated",
      (setting, all: string[] = []) => [...all, setting],
    )
    .option("--bars <folder>", "recorded bars, one file an asset")
    .option("--store <folder>", "bars that `ballast fetch` stored; the default, in .ballast/market")
    .option("--assets <list>", "only these", toList)
    .option("--until <time>", "sweep on what was known before; default: all there is", toTime)
    .option(
      "--trials <n>",
      "configurations to try, the one it starts from among them",
      toWhole(1, 100_000),
      27,
    )
    .option("--space <file>", "YAML file of what to search, or default", "default")
    .option("--seed <n>", "seed of the choice of configurations", toWhole(0, 2 ** 31 - 1), 1)
    .option("--threads <n>", "trials at once without --redis", toWhole(1, 1024), availableParallelism())
    .addOption(redisOption("that hands out the trials"))
    .option("--artefacts <folder>", "where the trials' data set goes; workers read it there")
    .option("--out <folder>", "journal and results; the same folder goes on", ".ballast/sweep")
    .option("--json", "the outcome as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  npm run ballast -- sweep --bars ./bars --trials 27\n" +
        "  npm run ballast -- sweep --config train.yaml --space space.yaml --redis redis://10.0.0.5:6379 --artefacts /mnt/ballast\n" +
        "  npm run ballast -- train --config .ballast/sweep/best.yaml",
    )
    .action(async (options) => (await import("../sweep.ts")).runSweep(options, openTerminal()));
