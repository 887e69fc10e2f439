import { type Attack, toDollars } from "./attack.ts";
import { ETHER, USDC } from "./scene.ts";

/** Of the pool's price that the agent concedes. */
const SLACK = 0.001;
const SIZES = [2, 5, 10, 15, 20, 30, 50, 100, 200, 400];

/** Sells before the vault and buys back after it, in every size from 2 to 400 ether, each from the same state. */
export const sandwich: Attack = {
  tries:
    "sells ether into the pool before the vault does and buys it back after, in ten sizes from 2 to 400 ether",
  async run(scene) {
    await scene.passHour(3_000);
    await scene.equip(ETHER, 1_000n * 10n ** 18n);
    const trades = [await scene.sellEther(0.2, SLACK)];
    let best = -Infinity;
    let isWithin = true;
    let refusal = "nothing";
    let passed = 0;
    for (const size of SIZES) {
      const saved = await scene.devnet.checkpoint();
      const start = await scene.dollars(scene.attacker.address);
      await scene.swap(ETHER, USDC, BigInt(size) * 10n ** 18n);
      const before: bigint = await scene.token(USDC).balanceOf!(scene.vault.target);
      const decision = await scene.decide(trades);
      const attempt = await scene.rebalance(decision, trades, await scene.sign(decision), scene.keeper);
      const received: bigint = (await scene.token(USDC).balanceOf!(scene.vault.target)) - before;
      if (attempt.error === undefined) {
        passed += 1;
        isWithin &&= received >= trades[0]!.minAmountOut;
      } else if (refusal === "nothing") refusal = `${attempt.refusal} at ${size} ether`;
      const held: bigint = await scene.token(USDC).balanceOf!(scene.attacker.address);
      await scene.equip(USDC, 0n);
      await scene.swap(USDC, ETHER, held);
      best = Math.max(best, (await scene.dollars(scene.attacker.address)) - start);
      await scene.devnet.restore(saved);
    }
    return {
      isStopped: isWithin && best < 0 && passed < SIZES.length,
      stoppedBy: `a minimum ${SLACK * 100} % below the price: ${refusal}`,
      cost: `${toDollars(-best)} in pool fees at the best of the sizes; ${passed} of them left the vault its minimum`,
    };
  },
};
