import { Command, Option } from "commander";
import { openTerminal } from "../terminal.ts";

const file = () =>
  new Option("--keys <file>", "file of keys; default: BALLAST_API_KEYS, else .ballast/api/keys.json");
const audit = () =>
  new Option("--audit <file>", "audit log; default: BALLAST_API_AUDIT, else .ballast/api/audit.jsonl");

export const keysCommand = (): Command => {
  const keys = new Command("keys")
    .description("Creates, lists and revokes keys of the HTTP API.")
    // Before its commands are added, which inherit it.
    .exitOverride();
  keys
    .command("create")
    .description("Makes a key and prints it, this once: only a hash of it is kept.")
    .addOption(
      new Option("--scope <scope>", "what it may do; each scope has those before it")
        .choices(["read", "submit", "admin"])
        .makeOptionMandatory(),
    )
    .requiredOption("--name <name>", "whose it is, for the list and the logs")
    .addOption(file())
    .addOption(audit())
    .action(async (options) => (await import("../keys.ts")).runCreateKey(options, openTerminal()));
  keys
    .command("list")
    .description("Prints ids, names and scopes, one JSON line a key.")
    .addOption(file())
    .action(async (options) => (await import("../keys.ts")).runListKeys(options, openTerminal()));
  keys
    .command("revoke")
    .description("Takes a key out of use within a second, without a restart.")
    .argument("<id>", "as `ballast keys list` shows it")
    .addOption(file())
    .addOption(audit())
    .action(async (id, options) => (await import("../keys.ts")).runRevokeKey(id, options, openTerminal()));
  return keys.addHelpText(
    "after",
    "\nExample:\n  npm run ballast -- keys create --scope submit --name lab\n" +
      '  curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8787/v1/decisions?limit=3',
  );
};
