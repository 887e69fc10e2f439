import { type Attack, toDollars } from "./attack.ts";
import { ETHER, USDC } from "./scene.ts";

const BUDGET_PPM = 500;
const ROUNDS = 12;

/**
 * The attester is in league with somebody who moves the pool. Each trade is worth 1.3 % of the vault and sells just
 * above the vault's floor, 1 % below the oracle's price.
 */
export const smallLosses: Attack = {
  tries: `signs small trades, one an hour, each into a pool pushed 0.8 % down, with a loss budget of ${BUDGET_PPM} ppm a week`,
  settings: { lossBudgetPpm: BUDGET_PPM },
  async run(scene) {
    await scene.equip(ETHER, 10n ** 24n);
    await scene.passHour(4_000);
    const nav = Number((await scene.vault.state!()).nav) / 1e18;
    const start = await scene.dollars(scene.attacker.address);
    let lost = 0;
    for (let round = 0; round < ROUNDS; ++round) {
      const before = await scene.dollars(String(scene.vault.target));
      const held: bigint = await scene.token(USDC).balanceOf!(scene.attacker.address);
      // Full-range liquidity: the price falls by 2 % · q / depth, at the depth of the start.
      await scene.swap(ETHER, USDC, 700n * 10n ** 18n);
      const trades = [await scene.sell(BigInt(Math.round((nav * 0.013) / 4_000)) * 10n ** 18n)];
      const decision = await scene.decide(trades);
      const attempt = await scene.rebalance(decision, trades, await scene.sign(decision));
      const gained: bigint = (await scene.token(USDC).balanceOf!(scene.attacker.address)) - held;
      await scene.equip(USDC, 0n);
      await scene.swap(USDC, ETHER, gained);
      lost += before - (await scene.dollars(String(scene.vault.target)));
      if (attempt.error !== undefined) {
        const ppm = (lost / nav) * 1e6;
        return {
          isStopped: attempt.error === "LossBudgetSpent" && ppm <= BUDGET_PPM,
          stoppedBy: `${attempt.refusal} in round ${round + 1}`,
          cost:
            `the attacker's balance of it: ${toDollars((await scene.dollars(scene.attacker.address)) - start)}; ` +
            `the vault lost ${toDollars(lost)}, ${ppm.toFixed(0)} ppm of its value`,
        };
      }
      await scene.passHour(4_000);
    }
    return { isStopped: false, stoppedBy: "nothing", cost: `the vault lost ${toDollars(lost)}` };
  },
};
