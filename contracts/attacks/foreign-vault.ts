import { type Attack, refused } from "./attack.ts";

export const foreignVault: Attack = {
  tries: "sends a decision that was signed for another vault, then puts this vault's address into it",
  async run(scene) {
    await scene.passHour(3_000);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades, { vault: "0x000000000000000000000000000000000000bEEF" });
    const evidence = await scene.sign(decision);
    const foreign = await scene.rebalance(decision, trades, evidence);
    const readdressed = await scene.rebalance(
      { ...decision, vault: String(scene.vault.target) },
      trades,
      evidence,
    );
    return refused(scene, before, [
      ["ForeignVault", foreign],
      ["AttesterNotAllowed", readdressed],
    ]);
  },
};
