import { type Attack, refused } from "./attack.ts";

export const expired: Attack = {
  tries: "sends a decision after its expiry, then gives it a longer life",
  async run(scene) {
    await scene.passHour(3_000);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const evidence = await scene.sign(decision);
    await scene.passHour(3_000);
    const late = await scene.rebalance(decision, trades, evidence);
    const prolonged = { ...decision, expiresAt: decision.expiresAt + 86_400 };
    return refused(scene, before, [
      ["DecisionExpired", late],
      ["AttesterNotAllowed", await scene.rebalance(prolonged, trades, evidence)],
    ]);
  },
};
