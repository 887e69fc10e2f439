import { type Attack, refused } from "./attack.ts";

/** Two decisions from the same attester: the newer is executed, the older was signed for the sequence after it. */
export const timeTravel: Attack = {
  tries: "keeps a decision back until a newer one is executed, then sends it; and sends one from the future",
  settings: { maxDecisionAge: 86_400 },
  async run(scene) {
    await scene.passHour(3_000);
    const stale = [await scene.sellEther()];
    const life = { expiresAt: (await scene.now()) + 20 * 3_600 };
    const older = await scene.decide(stale, { ...life, sequence: 2n });
    const keptBack = await scene.sign(older);

    await scene.passHour(3_000);
    const trades = [await scene.sellEther()];
    const newer = await scene.decide(trades);
    await scene.rebalance(newer, trades, await scene.sign(newer), scene.keeper);

    await scene.passHour(3_000);
    const before = await scene.holdings();
    const past = await scene.rebalance(older, stale, keptBack);
    const tomorrow = (await scene.now()) + 24 * 3_600;
    const early = await scene.decide(stale, { decidedAt: tomorrow, expiresAt: tomorrow + 1_800 });
    const future = await scene.rebalance(early, stale, await scene.sign(early));
    return refused(scene, before, [
      ["OlderThanLastDecision", past],
      ["DecidedInFuture", future],
    ]);
  },
};
