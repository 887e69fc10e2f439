import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Interface } from "ethers";
import { expect, it } from "vitest";
import { compile, GENERATED } from "./build.ts";
import { vaultAbi } from "./src/index.ts";

it("default: the committed artefacts are what sol/ compiles to", { timeout: 60_000 }, () => {
  const compiled = compile();
  const remedy = "is out of date: run `npm run build -w @ballast/contracts` and commit src/generated";
  expect(readdirSync(GENERATED).sort(), `the folder ${remedy}`).toEqual([...compiled.keys()].sort());
  for (const [file, text] of compiled) {
    expect(readFileSync(join(GENERATED, file), "utf8") === text, `${file} ${remedy}`).toBe(true);
  }
});

it("behaviour: the vault's ABI names every refusal, those of its libraries and of its parents included", () => {
  const vault = new Interface(vaultAbi);
  for (const error of [
    "MinOutBelowOracle", // Vault
    "DecisionNotAttested", // DecisionLib
    "PriceTooOld", // OracleLib
    "OwnableUnauthorizedAccount", // Ownable
    "ReentrancyGuardReentrantCall", // ReentrancyGuardTransient
    "SafeERC20FailedOperation", // SafeERC20
  ]) {
    expect(vault.getError(error), error).not.toBeNull();
  }
});

it("error: what forge finds wrong fails the command that ran it", () => {
  const forge = (...args: string[]) =>
    spawnSync("node", ["forge.mjs", ...args], { cwd: import.meta.dirname });
  expect(forge("--version").status).toBe(0);
  expect(forge("no-such-command").status).not.toBe(0);
});
