import { Command } from "commander";
import { openTerminal } from "../terminal.ts";

export const policiesCommand = (): Command =>
  new Command("policies")
    .description("Lists the policies, with their parameters, ranges, defaults and sources.")
    .option("--json", "the same as one line of JSON, with the schema of each policy's parameters")
    .addHelpText("after", "\nExample:\n  npm run ballast -- policies")
    .action(async (options) => (await import("../policyOptions.ts")).showPolicies(options, openTerminal()));
