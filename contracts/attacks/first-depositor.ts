import { ContractFactory } from "ethers";
import { vaultArtifact } from "../src/index.ts";
import { type Attack, toDollars } from "./attack.ts";
import { USDC } from "./scene.ts";

const DOLLAR = 10n ** 6n;
const DONATION = 10_000n * DOLLAR;
const VICTIM = 5_000n * DOLLAR;

/** The share-inflation attack on ERC-4626: one unit of shares, then a donation that makes it dear. */
export const firstDepositor: Attack = {
  tries:
    "deposits one unit in an empty vault, gives it $10,000, and hopes that the next one's $5,000 buy no share",
  async run(scene) {
    await scene.passHour();
    const { vault, owner, attacker, keeper: victim, devnet } = scene;
    const plain = async (method: string): Promise<unknown> => (await vault[method]!()).toObject(true);
    const targets = (await vault.targets!()).map((target: { toObject(): unknown }) => target.toObject());
    const { rebalancer, lens, venue } = devnet.addresses;
    const roles = {
      owner: owner.address,
      guardian: owner.address,
      attesters: [],
      notaries: [],
      venues: [venue],
    };
    const parts = { rebalancer, lens, targets, settings: await plain("settings"), delay: 0 };
    const factory = new ContractFactory(vaultArtifact.abi, vaultArtifact.bytecode, owner);
    const deployed = await factory.deploy({ name: "Empty", symbol: "EMPTY", ...roles, ...parts });
    await deployed.waitForDeployment();
    const empty = vault.attach(await deployed.getAddress()) as typeof vault;

    await scene.equip(USDC, DONATION + 1n);
    await scene.mine(scene.token(USDC).mint!(victim.address, VICTIM));
    for (const wallet of [attacker, victim]) {
      await scene.mine(scene.token(USDC, wallet).approve!(empty.target, 10n ** 30n));
    }
    const deposited = await scene.attempt(empty, "deposit", [1n, attacker.address]);
    // The fee on deposits takes the whole of one unit; shares can be had for two.
    if (deposited.error !== undefined) await scene.mine(scene.token(USDC).mint!(attacker.address, 1n));
    const second =
      deposited.error === undefined
        ? deposited
        : await scene.attempt(empty, "deposit", [2n, attacker.address]);
    await scene.mine(scene.token(USDC).transfer!(empty.target, DONATION));
    const followed = await scene.attempt(empty, "deposit", [VICTIM, victim.address], victim);

    const leave = async (wallet: typeof attacker): Promise<number> => {
      const before: bigint = await scene.token(USDC).balanceOf!(wallet.address);
      const args = [await empty.balanceOf!(wallet.address), wallet.address, wallet.address, 0n];
      await scene.attempt(empty, "redeemInKind", args, wallet);
      return Number((await scene.token(USDC).balanceOf!(wallet.address)) - before) / 1e6;
    };
    const attackers = await leave(attacker);
    const victims = await leave(victim);
    const lost = Number(DONATION) / 1e6 - attackers;
    // Three thousandths are the fee on deposits.
    const victimLost = Number(VICTIM) / 1e6 - victims;
    return {
      isStopped:
        second.error === undefined &&
        followed.error === undefined &&
        lost > 0 &&
        victimLost < (3 * Number(VICTIM)) / 1e9,
      stoppedBy:
        `a million virtual shares to the unit, which own what was given: ${toDollars(attackers)} of it came back` +
        (deposited.error === undefined ? "" : ` (one unit alone was refused: ${deposited.refusal})`),
      cost: `${toDollars(lost)}; the victim left with ${toDollars(victims)} of ${toDollars(Number(VICTIM) / 1e6)}`,
    };
  },
};
