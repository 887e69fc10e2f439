import { availableParallelism } from "node:os";
import { Command } from "commander";
import { toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const workerCommand = (): Command =>
  new Command("worker")
    .description(
      "Runs trials of sweeps that were started with --redis, on this machine, until it is stopped.",
    )
    .addOption(redisOption("that hands out the trials").makeOptionMandatory())
    .option("--artefacts <folder>", "folder shared with the sweep, with the data sets", ".ballast/artefacts")
    .option("--threads <n>", "trials at once", toWhole(1, 1024), availableParallelism())
    .option("--retry-after <seconds>", "silence after which a worker counts as dead", toWhole(1, 3600), 30)
    .addHelpText(
      "after",
      "\nExample:\n  npm run ballast -- worker --redis redis://10.0.0.5:6379 --artefacts /mnt/ballast",
    )
    .action(async (options) => (await import("../worker.ts")).runWorker(options, openTerminal()));
