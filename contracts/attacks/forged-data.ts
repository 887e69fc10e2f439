import { concat, dataSlice, type Wallet } from "ethers";
import { type Attack, refused } from "./attack.ts";

const EXCITED = 4_000;

/** The attester and one notary of three are in league; the vault wants two. */
export const forgedData: Attack = {
  tries:
    "invents an excited market and has it signed by one notary, by one and a stranger, and by one notary twice",
  async run(scene) {
    const model = await scene.registerModel();
    await scene.passHour(2_300);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades, { modelId: model.modelId });
    const signed = (...signers: Wallet[]) => scene.forecast(decision, model, EXCITED, EXCITED, signers);
    const traitor = scene.notaries[0]!;
    const alone = await signed(traitor);
    const one = await scene.rebalance(decision, trades, alone);
    const stranger = await scene.rebalance(decision, trades, await signed(traitor, scene.attacker));
    const signature = dataSlice(alone.notarySignatures, 0, 65);
    const twice = { ...alone, notarySignatures: concat([signature, signature]) };
    return refused(scene, before, [
      ["NotariesMissing", one],
      ["NotaryNotAllowed", stranger],
      ["NotariesNotAscending", await scene.rebalance(decision, trades, twice)],
    ]);
  },
};
