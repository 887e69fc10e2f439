import { Command } from "commander";
import { openTerminal } from "../terminal.ts";

export const verifyCommand = (): Command =>
  new Command("verify")
    .description(
      "Checks a decision and its attestations; says which checks passed. Exit status 1 where one did not.",
    )
    .argument("<uid|file>", "UID of an attestation, hash of a decision, or a file of evidence")
    .option("--rpc <url>", "node to read on-chain attestations, executions and revocations from")
    .option("--journal <file>", "journal to look a UID or hash up in; default: the newest demo's")
    .option(
      "--attester <addresses>",
      "who may sign; default: asked of the vault with --rpc, else the signer is only named",
      (text) => text.split(","),
    )
    .option("--vault <address>", "the vault it must be for; default: the one it names")
    .option("--json", "the checks as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- verify 0x5f…c2 --rpc http://127.0.0.1:8545\n  npm run ballast -- verify evidence.json",
    )
    .action(async (subject, options) =>
      (await import("../verify.ts")).runVerify(subject, options, openTerminal()),
    );
