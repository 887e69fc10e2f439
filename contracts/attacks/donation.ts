import { type Attack, toDollars, toGas } from "./attack.ts";
import { ETHER, USDC } from "./scene.ts";

const STAKE = 200_000n * 10n ** 6n;

/** Ether sent to the vault takes its weight out of the band: the vault may now trade, but only as an attester decides. */
export const donation: Attack = {
  tries:
    "buys shares for $200,000, gives the vault 100 ether to move its weights and its share price, and redeems",
  async run(scene) {
    await scene.passHour();
    await scene.equip(USDC, STAKE);
    await scene.equip(ETHER, 100n * 10n ** 18n);
    const start = await scene.dollars(scene.attacker.address);
    const before = await scene.dollars(String(scene.vault.target));
    const bought = await scene.attempt(scene.vault, "deposit", [STAKE, scene.attacker.address]);
    await scene.mine(scene.token(ETHER).transfer!(scene.vault.target, 100n * 10n ** 18n));

    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const traded = await scene.rebalance(
      decision,
      trades,
      await scene.sign(decision, undefined, scene.attacker),
    );
    const shares: bigint = await scene.vault.balanceOf!(scene.attacker.address);
    const args = [shares, scene.attacker.address, scene.attacker.address, 0n];
    const redeemed = await scene.attempt(scene.vault, "redeemInKind", args);

    const gained = (await scene.dollars(scene.attacker.address)) - start;
    const left = (await scene.dollars(String(scene.vault.target))) - before;
    return {
      isStopped:
        gained < 0 && left >= 0 && traded.error === "AttesterNotAllowed" && redeemed.error === undefined,
      stoppedBy: `${traded.refusal}; and a donation belongs to all holders`,
      cost: `${toDollars(-gained)} and ${toGas(bought.gasUsed + traded.gasUsed + redeemed.gasUsed)}; the other holders gained ${toDollars(left)}`,
    };
  },
};
