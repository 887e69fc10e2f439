#!/usr/bin/env node
// The npm package `solc` behind the part of the native compiler's command line that forge uses: `--version`, and
// standard JSON from stdin to stdout with imports below `--base-path`. (The package's own command lacks them.)
import { readFileSync } from "node:fs";
import { join } from "node:path";
import solc from "solc";

const option = (name) => process.argv[process.argv.indexOf(name) + 1];

const readImport = (path) => {
  try {
    return { contents: readFileSync(join(option("--base-path"), path), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
};

const reply = process.argv.includes("--version")
  ? `solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`
  : solc.compile(readFileSync(0, "utf8"), { import: readImport });
process.stdout.write(`${reply}\n`);
