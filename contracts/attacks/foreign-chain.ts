import { type Attack, refused } from "./attack.ts";

export const foreignChain: Attack = {
  tries:
    "sends a decision that was signed for the vault of the same address on Ethereum, then puts this chain into it",
  async run(scene) {
    await scene.passHour(3_000);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades, { chainId: 1n });
    const evidence = await scene.sign(decision);
    const foreign = await scene.rebalance(decision, trades, evidence);
    const moved = { ...decision, chainId: BigInt(scene.devnet.chainId) };
    const readdressed = await scene.rebalance(moved, trades, evidence);
    return refused(scene, before, [
      ["ForeignChain", foreign],
      ["AttesterNotAllowed", readdressed],
    ]);
  },
};
