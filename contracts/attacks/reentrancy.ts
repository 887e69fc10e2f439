import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Contract, ContractFactory, type InterfaceAbi } from "ethers";
import solc from "solc";
import { type Attack, toGas } from "./attack.ts";
import { ETHER } from "./scene.ts";

const SOURCE = "test/tokens/HostileTokens.sol";
const ROOT = join(import.meta.dirname, "..");
const require = createRequire(import.meta.url);

interface Compiled {
  readonly abi: InterfaceAbi;
  readonly evm: { readonly bytecode: { readonly object: string } };
}

/** The token of the forge tests that calls somebody in the middle of a transfer. */
const compileCallingToken = (): Compiled => {
  const readImport = (path: string): { contents: string } => {
    const file = path.startsWith("@") ? require.resolve(path) : join(ROOT, path);
    return { contents: readFileSync(file, "utf8") };
  };
  const input = {
    language: "Solidity",
    sources: { [SOURCE]: { content: readFileSync(join(ROOT, SOURCE), "utf8") } },
    settings: {
      evmVersion: "cancun",
      outputSelection: { "*": { CallingToken: ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  return output.contracts[SOURCE].CallingToken;
};

/** The vault's ether is a token whose owner upgrades it to one that calls back: same address, same balances. */
export const reentrancy: Attack = {
  tries:
    "upgrades a token of the vault so that it calls the vault in the middle of a swap: rebalance, redeem, deposit, pay",
  async run(scene) {
    await scene.passHour(3_000);
    const { provider, listings, addresses } = scene.devnet;
    const { abi, evm } = compileCallingToken();
    const model = await new ContractFactory(abi, evm.bytecode.object, scene.attacker).deploy();
    await model.waitForDeployment();
    const ether = listings[ETHER]!.token;
    await provider.send("anvil_setCode", [ether, await provider.getCode(await model.getAddress())]);
    const token = new Contract(ether, abi, scene.attacker);

    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const evidence = await scene.sign(decision);
    const inner: readonly (readonly [method: string, args: readonly unknown[], expected: string])[] = [
      ["rebalance", [decision, trades, evidence], "ReentrancyGuardReentrantCall"],
      ["redeemInKind", [0n, scene.attacker.address, ether, 0n], "ReentrancyGuardReentrantCall"],
      ["deposit", [1_000n, ether], "ReentrancyGuardReentrantCall"],
      ["totalAssets", [], "ReentrancyGuardReentrantCall"],
      ["pay", [ether, scene.attacker.address, 10n ** 18n], "NotSwapping"],
    ];
    const refusals: string[] = [];
    let isStopped = true;
    let gas = 0n;
    for (const [method, args, expected] of inner) {
      const saved = await scene.devnet.checkpoint();
      const call = scene.vault.interface.encodeFunctionData(method, args);
      await scene.mine(token.callDuringTransfer!(scene.vault.target, call));
      const rebalanced = await scene.rebalance(decision, trades, evidence);
      const answer = String(await token.answer!());
      const parsed = answer === "0x" ? null : scene.vault.interface.parseError(answer);
      refusals.push(
        `${method}: ${parsed === null ? "NOT REFUSED" : `${parsed.name}(${parsed.args.join(", ")})`}`,
      );
      isStopped &&= rebalanced.error === undefined && (await token.calls!()) === 1n;
      isStopped &&= !(await token.hasSucceeded!()) && parsed?.name === expected;
      gas = rebalanced.gasUsed;
      await scene.devnet.restore(saved);
    }
    return {
      isStopped: isStopped && addresses.vault === scene.vault.target,
      stoppedBy: refusals.join("; "),
      cost: `the gas of an honest rebalance, ${toGas(gas)}; the vault traded as decided`,
    };
  },
};
