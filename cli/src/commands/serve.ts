import { Command } from "commander";
import { toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const serveCommand = (): Command =>
  new Command("serve")
    .description("Serves bars, forecasts, decisions, attestations and models over HTTP, read-only.")
    .option("--journal <file>", "journal of an agent or a demo; default: the newest demo's")
    .option("--artefacts <folder>", "folder of models", ".ballast/demo/artefacts")
    .option("--store <folder>", "bars that `ballast fetch` stored", ".ballast/market")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", toWhole(0, 65_535), 8787)
    .addOption(redisOption("to take events from, in place of the journal"))
    .addHelpText(
      "after",
      "\nExample:\n  npm run ballast -- serve --port 8787\n  curl http://127.0.0.1:8787/v1/decisions?limit=3",
    )
    .action(async (options) => (await import("../serving.ts")).runServe(options, openTerminal()));
