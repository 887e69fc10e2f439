import { devTokenArtifact, devTokenVaultArtifact } from "@ballast/contracts";
import { Contract, ContractFactory, MaxUint256, type Wallet } from "ethers";
import { fundAccount, sendForGas, swapTogether } from "./bare-swaps.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import type { Row } from "./measure.ts";
import { startVaultScene, type VaultScene } from "./vault-scene.ts";

const GAS = { unit: "gas", better: "less" } as const;
/** One for each measurement: whoever gets a token for the first time pays for storage. */
const RECEIVERS = {
  redeemed: "0x00000000000000000000000000000000000b1a59",
  transferred: "0x00000000000000000000000000000000000b1a5a",
};
/** Smallest units of the base asset: 500 dollars. */
const DEPOSIT = 500_000_000n;
/** About a four-hundredth of all shares. */
const SHARES = 10n ** 15n;

/** Whole transactions, measured apart with solc 0.8.29 and its optimiser on: a scale for what follows. */
const ELSEWHERE = [
  ["EAS attest of 96 bytes", 250_264],
  ["EAS attestByDelegation of 96 bytes", 266_484],
  ["a vault that reads an attestation by its UID, checks seven conditions and marks it used", 73_753],
  ["an EIP-712 signature check and a nonce", 52_346],
  ["Groth16 verification, with one public input", 214_860],
] as const;

/**
 * What the vault's guards cost beside the same without them, whole transactions on the devnet: a rebalance with a
 * forecast over its bare swaps, a deposit, and a redemption in kind of three tokens.
 */
export async function vaultGas({ log }: BenchmarkOptions): Promise<readonly Row[]> {
  for (const [what, gas] of ELSEWHERE) log(`measured apart: ${what}, ${gas.toLocaleString("en-US")} gas`);
  log("starting a local chain with EAS, Uniswap v3 and the vault");
  const scene = await startVaultScene();
  const stop = () => void scene.devnet.stop();
  process.once("exit", stop);
  try {
    const rebalanced = await rebalanceGas(scene);
    return [rebalanced, await depositGas(scene), await redeemGas(scene)];
  } finally {
    process.off("exit", stop);
    await scene.devnet.stop();
  }
}

async function rebalanceGas(scene: VaultScene): Promise<Row> {
  const { devnet, keeper } = scene;
  // The first rebalance of a vault pays for storage that every later one finds written.
  await scene.passHour();
  await scene.rebalance(await scene.decide());
  await scene.passHour();
  const decided = await scene.decide();
  const refusal = await scene.refusalOf({ ...decided, market: undefined });
  if (refusal !== "NotariesMissing")
    throw new Error(`without notaries the vault says ${refusal}: the rebalance does not need its forecast`);
  await fundAccount(devnet, keeper, decided.trades);
  const start = await devnet.checkpoint();
  const bare = await swapTogether(devnet, keeper, decided.trades);
  await devnet.restore(start);
  const whole = await scene.rebalance(decided);
  return {
    ...GAS,
    name: "rebalance_overhead_gas",
    value: Number(whole - bare),
    peer: "the same swaps by an account, one multicall of the router",
    peerValue: Number(bare),
  };
}

async function depositGas({ devnet, vault, owner }: VaultScene): Promise<Row> {
  const usdc = tokenOf(devnet.listings[0]!.token, owner);
  const plain = await deployTokenVault(devnet.listings[0]!.token, owner);
  await (await usdc.mint!(owner.address, 4n * DEPOSIT)).wait();
  for (const spender of [vault, plain]) await (await usdc.approve!(spender.target, MaxUint256)).wait();
  const deposit = (into: Contract) =>
    sendForGas(
      owner,
      String(into.target),
      into.interface.encodeFunctionData("deposit", [DEPOSIT, owner.address]),
    );
  // The vault has shares and its owner some of them, so the peer gets a first deposit too.
  await deposit(plain);
  return {
    ...GAS,
    name: "deposit_gas",
    value: Number(await deposit(vault)),
    peer: "a deposit into OpenZeppelin's ERC-4626 of one token",
    peerValue: Number(await deposit(plain)),
  };
}

async function redeemGas({ devnet, vault, owner, keeper }: VaultScene): Promise<Row> {
  const args = [SHARES, RECEIVERS.redeemed, owner.address, 0n];
  const data = vault.interface.encodeFunctionData("redeemInKind", args);
  const redeemed = await sendForGas(owner, String(vault.target), data);
  let transferred = 0n;
  for (const { token: of } of devnet.listings) {
    const token = tokenOf(of, keeper);
    const amount: bigint = await token.balanceOf!(RECEIVERS.redeemed);
    if (amount === 0n) throw new Error(`the redemption brought nothing of ${of}`);
    await (await token.mint!(keeper.address, 2n * amount)).wait();
    const transfer = token.interface.encodeFunctionData("transfer", [RECEIVERS.transferred, amount]);
    transferred += await sendForGas(keeper, of, transfer);
  }
  return {
    ...GAS,
    name: "redeem_gas",
    value: Number(redeemed),
    peer: "a plain transfer of each of the three tokens, one transaction each",
    peerValue: Number(transferred),
  };
}

async function deployTokenVault(token: string, by: Wallet): Promise<Contract> {
  const { abi, bytecode } = devTokenVaultArtifact;
  const deployed = await new ContractFactory(abi, bytecode, by).deploy(token);
  await deployed.waitForDeployment();
  return new Contract(await deployed.getAddress(), abi, by);
}

const tokenOf = (token: string, by: Wallet) => new Contract(token, devTokenArtifact.abi, by);
