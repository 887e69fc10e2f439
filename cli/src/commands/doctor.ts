import { Command } from "commander";
import { openTerminal } from "../terminal.ts";

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description("Says what this machine has, what is missing, and how to get it.")
    .option("--json", "the findings as JSON on stdout")
    .addHelpText("after", "\nExample:\n  npm run ballast -- doctor")
    .action(async (options) => (await import("../doctor.ts")).runDoctor(options, openTerminal()));
