import { Command } from "commander";
import { toUrl, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const notaryCommand = (): Command =>
  new Command("notary")
    .description(
      "Recomputes the market that an agent decides from, out of its own source, and signs it where both agree.",
    )
    .argument("[file]", "a proposal to judge once; without it, proposals are served over HTTP")
    .requiredOption("--keystore <file>", "encrypted JSON keystore of the notary's key")
    .option(
      "--password-file <file>",
      "file with the keystore's password; default: the variable BALLAST_PASSWORD",
    )
    .option("--exchange <id>", "where its own bars come from", "binance")
    .option(
      "--exchange-url <url>",
      "a mirror or gateway that speaks the exchange's protocol, in place of its own address",
      toUrl,
    )
    .option("--quote <ticker>", "quote currency of the bars", "USDT")
    .option("--store <folder>", "where fetched bars are kept", ".ballast/notary")
    .option("--bars <folder>", "take bars from files instead")
    .option(
      "--feature-tolerance <n>",
      "how far a feature may lie from the notary's own where the data differ; 1024 is 1",
      toWhole(0, 32_767),
      512,
    )
    .option(
      "--price-tolerance <bp>",
      "how far a close may lie from its own, basis points",
      toWhole(0, 10_000),
      100,
    )
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", toWhole(0, 65_535), 8790)
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  BALLAST_PASSWORD=… npm run ballast -- notary --keystore notary.json --exchange kraken --quote USD\n" +
        "  BALLAST_PASSWORD=… npm run ballast -- notary proposal.json --keystore notary.json --bars ./bars",
    )
    .action(async (file, options) => (await import("../notary.ts")).runNotary(file, options, openTerminal()));
