import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const contestCommand = (): Command =>
  new Command("contest")
    .description(
      "Tunes every family of policies by the same budget on one window and scores it once on the next, rolling on; started again, it goes on.",
    )
    .requiredOption("--bars <folder>", "recorded bars of an hour or a part of one, one file an asset")
    .requiredOption("--basket <weights>", "target weights, as USD=0.4,BTC=0.3,ETH=0.3; USD is the base asset")
    .option(
      "--gas <file>",
      "recorded base fees in gwei, a CSV with a column of times; default: those of the bars",
    )
    .option("--nav <dollars>", "in the vault", toWhole(1), 1_000_000)
    .addOption(
      new Option("--venue <name>", "where it trades; mainnet needs base fees")
        .choices(["mainnet", "rollup"])
        .default("mainnet"),
    )
    .option(
      "--shapes <n>",
      "that each family tries on each tuning window, each at five widths",
      toWhole(1, 100_000),
      200,
    )
    .option("--folds <n>", "windows to score, in the second half of the hours", toWhole(1, 1_000), 2)
    .option("--resamples <n>", "of the bootstrap", toWhole(100, 100_000), 1_000)
    .option("--seed <n>", "of the bootstrap", toWhole(0, 2 ** 31 - 1), 1)
    .option(
      "--threads <n>",
      "that tune; the figures do not depend on it",
      toWhole(1, 1_024),
      availableParallelism(),
    )
    .option("--out <folder>", "settings found, and contest.html, .json and .parquet", ".ballast/contest")
    .option("--ledger <file>", "where scorings are counted, across runs", ".ballast/scored-windows.jsonl")
    .option("--json", "all figures as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  npm run ballast -- contest --bars ./bars --gas ./base-fees.csv --basket USD=0.4,BTC=0.3,ETH=0.3\n" +
        "  npm run ballast -- contest --bars ./bars --basket USD=0.5,ETH=0.5 --venue rollup --shapes 50 --folds 1\n" +
        "  npm run ballast -- contest --bars ./bars --basket BTC=0.5,ETH=0.5 --venue rollup --json | jq '.families[] | {name, costToBest}'",
    )
    .action(async (options) => (await import("../contest.ts")).runContestCommand(options, openTerminal()));
