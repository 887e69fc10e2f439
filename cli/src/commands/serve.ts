import { Command } from "commander";
import { toNamed, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

/**
 * The settings of the API, whose schema checks their values. They stand here once more so that --help need not load
 * the API; a test holds them to the schema.
 */
const SETTINGS = [
  ["--host <address>", "address to listen on; default: 127.0.0.1"],
  ["--port <n>", "port to listen on; 0 takes a free one; default: 8787"],
  ["--public-reads <bool>", "whether reading needs no key; default: true on a loopback address"],
  ["--public-metrics <bool>", "whether /metrics needs no key; default: false"],
  ["--keys <file>", "file of API keys, hashed"],
  ["--audit <file>", "file that admin actions are appended to"],
  ["--cors <origins>", "origins whose pages may read answers, separated by commas"],
  ["--hosts <names>", "hosts it answers for, beside those of this machine, separated by commas"],
  ["--trust-proxy <addresses>", "proxies whose X-Forwarded-For is believed, separated by commas"],
  ["--rate-per-address <n>", "requests a minute from one address without a key; 0: any"],
  ["--rate-per-key <n>", "requests a minute with one key; 0: any"],
  [
    "--redis <url>",
    "Redis that events come from, in place of the journal, and that counts and queues backtests for several processes together",
  ],
  ["--log-level <level>", "least severe lines that are logged on stderr; default: error"],
  ["--max-connections <n>", "connections at once"],
  ["--max-in-flight <n>", "requests under way at once; more get a 503"],
  ["--max-wait-ms <n>", "longest wait of a request for its turn; what waited longer gets a 503"],
  ["--max-body-bytes <n>", "largest body of a request"],
  ["--request-timeout-ms <n>", "longest time for a request to arrive whole"],
  ["--shutdown-ms <n>", "longest time that requests under way may take once told to stop"],
  ["--min-free-mb <n>", "free disk space, in MiB, below which /ready says no"],
] as const;

export function serveCommand(): Command {
  const command = new Command("serve")
    .description(
      "Serves bars, forecasts, decisions, attestations and models over HTTP, and runs the backtests it is sent.",
    )
    .option("--journal <file>", "journal of an agent or a demo; default: the newest demo's")
    .option("--artefacts <folder>", "folder of models", ".ballast/demo/artefacts")
    .option("--store <folder>", "bars that `ballast fetch` stored", ".ballast/market")
    .option(
      "--data <name=folder>",
      "bars that backtests may be submitted for, by a name; may be repeated; default: none, and no backtests are run",
      toNamed,
      {},
    )
    .option(
      "--backtests <folder>",
      "where submitted backtests are kept; with --redis, where they are run",
      ".ballast/backtests",
    )
    .option(
      "--backtest-workers <n>",
      "backtests that this process runs at once; 0, with --redis: `ballast worker` or other servers run them",
      toWhole(0, 1024),
      1,
    )
    .option("--rpc <url>", "node of the vaults' chain, to show them live and to verify executions with");
  for (const [flags, description] of SETTINGS) command.option(flags, description);
  return command
    .addHelpText(
      "after",
      "\nEach setting may be a variable, too: BALLAST_API_PORT for --port. docs/operator.md has ranges and defaults." +
        "\nExample:\n  npm run ballast -- serve --port 8787 --data hourly=./bars\n  curl http://127.0.0.1:8787/v1/decisions?limit=3",
    )
    .action(async (options) => (await import("../serving.ts")).runServe(options, openTerminal()));
}
