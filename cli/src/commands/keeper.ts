import { Command } from "commander";
import { toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const keeperCommand = (): Command =>
  new Command("keeper")
    .description(
      "Takes published decisions, verifies each by itself, and has its vault execute those that are sound.",
    )
    .addOption(redisOption("that decisions are published to").makeOptionMandatory())
    .requiredOption("--rpc <url>", "node of the vault's chain")
    .requiredOption("--vault <address>", "the vault")
    .option(
      "--keystore <file>",
      "encrypted JSON keystore of the key that pays; without it decisions are verified and simulated only",
    )
    .option(
      "--password-file <file>",
      "file with the keystore's password; default: the variable BALLAST_PASSWORD",
    )
    .option(
      "--chain <id>",
      "chain the node must serve; default: the one it serves, which is printed",
      toWhole(1),
    )
    .option(
      "--attester <addresses>",
      "take decisions of these keys alone; default: of all that the vault allows",
      (text) => text.split(","),
    )
    .option("--group <name>", "keepers that share the work; default: all of this vault")
    .option("--name <name>", "of this keeper in its group; default: of this machine")
    .option("--max-gas-gwei <number>", "send nothing while gas is dearer", Number)
    .option(
      "--silence <seconds>",
      "when a keeper that gives no sign loses its decision to another",
      toWhole(1, 3_600),
      30,
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  npm run ballast -- keeper --redis redis://10.0.0.5:6379 --rpc $RPC --vault 0x…\n" +
        "  BALLAST_REDIS=… BALLAST_PASSWORD=… npm run ballast -- keeper --rpc $RPC --vault 0x… --keystore keeper.json",
    )
    .action(async (options) => (await import("../keeper.ts")).runKeeperCommand(options, openTerminal()));
