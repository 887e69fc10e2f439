import { ZeroHash } from "ethers";
import { type Attack, refused } from "./attack.ts";
import { offchainUid } from "./decision.ts";

export const revoked: Attack = {
  tries: "sends a decision that its signer has revoked, still unexpired",
  async run(scene) {
    await scene.passHour(3_000);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const evidence = await scene.sign(decision);
    const uid = offchainUid(decision, ZeroHash, scene.devnet.schemaUid);
    await scene.attempt(scene.eas, "revokeOffchain", [uid], scene.attester);
    return refused(scene, before, [
      ["AttestationRevoked", await scene.rebalance(decision, trades, evidence)],
    ]);
  },
};
