#!/usr/bin/env node
// forge from npm, with forge's own exit status: the package's command ends with 0 even where tests fail.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const architecture = process.arch === "x64" ? "amd64" : process.arch;
const path = `@foundry-rs/forge-${process.platform}-${architecture}/bin/forge`;
// From the wrapper package: npm may have put the platform's package below it.
const wrapper = createRequire(import.meta.url).resolve("@foundry-rs/forge/bin.mjs");
const { status, error } = spawnSync(createRequire(wrapper).resolve(path), process.argv.slice(2), {
  stdio: "inherit",
});
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
