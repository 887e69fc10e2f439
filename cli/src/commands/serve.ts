import { Command } from "commander";
import { toNamed, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const serveCommand = (): Command =>
  new Command("serve")
    .description(
      "Serves forecasts, decisions, attestations and models over HTTP, and runs the backtests it is sent.",
    )
    .option("--journal <file>", "journal of an agent or a demo; default: the newest demo's")
    .option("--artefacts <folder>", "folder of models", ".ballast/demo/artefacts")
    .option(
      "--data <name=folder>",
      "bars that backtests may be submitted for, by a name; may be repeated; default: none, and no backtests are run",
      toNamed,
      {},
    )
    .option("--backtests <folder>", "where submitted backtests are kept", ".ballast/backtests")
    .option("--rpc <url>", "node of the vaults' chain, to show them live and to verify executions with")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", toWhole(0, 65_535), 8787)
    .addHelpText(
      "after",
      "\nExample:\n  npm run ballast -- serve --port 8787 --data hourly=./bars\n  curl http://127.0.0.1:8787/v1/decisions?limit=3",
    )
    .action(async (options) => (await import("../serving.ts")).runServe(options, openTerminal()));
