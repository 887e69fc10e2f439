#!/usr/bin/env node
// The npm package `solc` behind the part of the native compiler's command line that forge uses:
// `--version`, and standard JSON from stdin to stdout. (solcjs, the package's own command, lacks both forms.)
import { readFileSync } from "node:fs";
import solc from "solc";

const reply = process.argv.includes("--version")
  ? `solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`
  : solc.compile(readFileSync(0, "utf8"));
process.stdout.write(`${reply}\n`);
