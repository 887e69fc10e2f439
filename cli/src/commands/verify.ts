import { Command } from "commander";
import { toUrl, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const verifyCommand = (): Command =>
  new Command("verify")
    .description(
      "Follows a decision from the market to its trades, out of public data; one line for each link. Exit status 1 where " +
        "one does not hold.",
    )
    .argument(
      "<uid|file|tx>",
      "UID of an attestation, hash of a decision or a transaction, or a file of evidence",
    )
    .option("--rpc <url>", "node to read on-chain attestations, executions and revocations from")
    .option("--journal <file>", "journal to look a UID or hash up in; default: the newest demo's")
    .option(
      "--attester <addresses>",
      "who may sign; default: asked of the vault with --rpc, else the signer is only named",
      (text) => text.split(","),
    )
    .option("--vault <address>", "the vault it must be for; default: the one it names")
    .option("--snapshot <file>", "the market the decision was made from, as its bytes")
    .option("--bars <folder>", "your own recorded bars, to make that market from or to compare it with")
    .option("--exchange <id>", "compare the snapshot with what this exchange says")
    .option("--exchange-url <url>", "a mirror of the exchange, in place of its own address", toUrl)
    .option("--quote <ticker>", "quote currency of the exchange's bars", "USDT")
    .option("--store <folder>", "where fetched bars are kept", ".ballast/market")
    .option("--artefacts <folder>", "where the model and its breach network are, to run both again")
    .option("--feature-tolerance <n>", "with a snapshot: as for `ballast notary`", toWhole(0, 32_767), 512)
    .option("--price-tolerance <bp>", "with a snapshot: as for `ballast notary`", toWhole(0, 10_000), 100)
    .option("--json", "the checks as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- verify 0x5f…c2 --rpc http://127.0.0.1:8545 --bars ./bars --artefacts .ballast/artefacts\n" +
        "  npm run ballast -- verify evidence.json",
    )
    .action(async (subject, options) =>
      (await import("../verify.ts")).runVerify(subject, options, openTerminal()),
    );
