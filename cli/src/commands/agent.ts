import { Command, Option } from "commander";
import { toInterval, toList, toTime, toUrl, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const agentCommand = (): Command =>
  new Command("agent")
    .description(
      "Runs the agent on a vault: at each full hour it forecasts, decides, signs, and trades where it must.",
    )
    .requiredOption("--rpc <url>", "node of the vault's chain")
    .requiredOption("--vault <address>", "the vault")
    .requiredOption("--venue <address>", "where it trades: a Uniswap v3 venue that the vault allows")
    .option(
      "--notary <urls>",
      "notaries to ask before a trade ahead of a breach, as many as the vault wants or more",
      (text) => text.split(",").map(toUrl),
    )
    .addOption(
      new Option(
        "--attest <where>",
        "how decisions reach the vault; off chain costs no transaction of its own",
      )
        .choices(["offchain", "onchain"])
        .default("offchain"),
    )
    .option(
      "--references <file>",
      "off-chain attestations of the model and its dataset, to go into the evidence",
    )
    .option(
      "--chain <id>",
      "chain the node must serve; default: the one it serves, which is printed",
      toWhole(1),
    )
    .option(
      "--keystore <file>",
      "encrypted JSON keystore of the key that attests and pays; not needed for a dry run",
    )
    .option(
      "--password-file <file>",
      "file with the keystore's password; default: the variable BALLAST_PASSWORD",
    )
    .option("--dry-run", "journal signed decisions and send nothing")
    .option("--model <id>", "modelId of the forecast, or champion; without it no policy has a forecast")
    .option("--artefacts <folder>", "where models are", ".ballast/artefacts")
    .option(
      "--policy <name>",
      "any that `ballast policies` lists; default: predictive with a model, else threshold",
    )
    .option("--policy-set <settings>", "its parameters: key=value,key=value, or a JSON file of them")
    .option("--exchange <id>", "where bars come from", "binance")
    .option(
      "--exchange-url <url>",
      "a mirror or gateway that speaks the exchange's protocol, in place of its own address",
      toUrl,
    )
    .option("--quote <ticker>", "quote currency of the bars", "USDT")
    .option("--store <folder>", "where fetched bars are kept", ".ballast/market")
    .option("--bars <folder>", "take bars from files instead, which something else keeps up to date")
    .option(
      "--assets <list>",
      "tickers of the vault's tokens in their order, base asset first; default: their symbols",
      toList,
    )
    .option("--interval <interval>", "length of a bar", toInterval, 3_600_000)
    .option("--ether-price <number>", "ether's price in the base asset, where the vault holds no ETH", Number)
    .option("--max-gas-gwei <number>", "send nothing while gas is dearer", Number)
    .option("--journal <file>", "journal of this agent", ".ballast/agent.sqlite")
    .addOption(redisOption("to publish to, for keepers and for `ballast serve`"))
    .option("--once", "take one step, at the last full hour, and end")
    .addOption(
      new Option(
        "--at <time>",
        "with --once: the hour to decide at, for a chain whose clock is not today's",
      ).argParser(toTime),
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  npm run ballast -- agent --rpc $RPC --vault 0x… --venue 0x… --model 0x… --dry-run --once\n" +
        "  npm run ballast -- agent --rpc $RPC --vault 0x… --venue 0x… --policy gas-widened \\\n" +
        "    --policy-set size=0.8,gasPower=0.25 --dry-run\n" +
        "  BALLAST_PASSWORD=… npm run ballast -- agent --rpc $RPC --chain 1 --vault 0x… --venue 0x… --model 0x… \\\n" +
        "    --notary http://notary-a:8790,http://notary-b:8790 --keystore key.json",
    )
    .action(async (options) => (await import("../live.ts")).runAgent(options, openTerminal()));
