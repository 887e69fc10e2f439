import { availableParallelism } from "node:os";
import { Command } from "commander";
import { toNamed, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const workerCommand = (): Command =>
  new Command("worker")
    .description(
      "Runs trials of sweeps, and backtests that servers were sent, of those started with --redis, until it is stopped.",
    )
    .addOption(redisOption("that hands out the work").makeOptionMandatory())
    .option(
      "--artefacts <folder>",
      "folder shared with the sweep and the servers, with data sets and models",
      ".ballast/artefacts",
    )
    .option("--threads <n>", "trials at once; 0: none", toWhole(0, 1024), availableParallelism())
    .option(
      "--data <name=folder>",
      "bars of backtests, by the name that the servers have for them; may be repeated; default: no backtests",
      toNamed,
      {},
    )
    .option(
      "--backtests <folder>",
      "where backtests are run; shared by workers, one goes on where another ended",
      ".ballast/backtests",
    )
    .option("--backtest-workers <n>", "backtests at once", toWhole(1, 1024), 1)
    .option("--retry-after <seconds>", "silence after which a worker counts as dead", toWhole(1, 3600), 30)
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- worker --redis redis://10.0.0.5:6379 --artefacts /mnt/ballast\n" +
        "  npm run ballast -- worker --redis redis://10.0.0.5:6379 --threads 0 --data hourly=./bars",
    )
    .action(async (options) => (await import("../worker.ts")).runWorker(options, openTerminal()));
