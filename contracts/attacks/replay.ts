import { type Attack, refused } from "./attack.ts";

/** One decision, executed; then the same again, and the same attested anew. */
export const replay: Attack = {
  tries:
    "sends an executed decision a second time, then has it signed anew for the next sequence with the old time",
  async run(scene) {
    await scene.passHour(3_000);
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const evidence = await scene.sign(decision);
    await scene.rebalance(decision, trades, evidence, scene.keeper);
    const before = await scene.holdings();
    const again = await scene.rebalance(decision, trades, evidence);
    const renumbered = { ...decision, sequence: decision.sequence + 1n };
    const anew = await scene.rebalance(renumbered, trades, await scene.sign(renumbered));
    return refused(scene, before, [
      ["WrongSequence", again],
      ["OlderThanLastDecision", anew],
    ]);
  },
};
