import { type Attack, toGas } from "./attack.ts";
import { ETHER, USDC } from "./scene.ts";

/** Nothing that a stranger sends uses up a sequence, and no dust changes what an attester decided. */
export const keeperGriefing: Attack = {
  tries:
    "sends junk with the keeper's sequence and dust of every token first, then the keeper's own call before the keeper",
  async run(scene) {
    await scene.passHour(3_000);
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const evidence = await scene.sign(decision);
    const junk = await scene.rebalance(decision, trades, { ...evidence, signature: `0x${"11".repeat(65)}` });
    const own = await scene.rebalance(
      decision,
      trades,
      await scene.sign(decision, undefined, scene.attacker),
    );
    for (const index of [USDC, ETHER]) {
      await scene.equip(index, 1_000n);
      await scene.mine(scene.token(index).transfer!(scene.vault.target, 1_000n));
    }
    const saved = await scene.devnet.checkpoint();
    const undisturbed = await scene.rebalance(decision, trades, evidence, scene.keeper);
    await scene.devnet.restore(saved);
    const copied = await scene.rebalance(decision, trades, evidence);
    const late = await scene.rebalance(decision, trades, evidence, scene.keeper);
    const { sequence } = await scene.vault.state!();
    const isStopped =
      junk.error !== undefined &&
      own.error === "AttesterNotAllowed" &&
      undisturbed.error === undefined &&
      copied.error === undefined &&
      late.error === "WrongSequence" &&
      sequence === decision.sequence;
    return {
      isStopped,
      stoppedBy: `${junk.refusal}, then ${own.refusal}, and the keeper's call went through; where the copy came first, the decision was carried out by the attacker`,
      cost: `${toGas(junk.gasUsed + own.gasUsed)} for nothing, or ${toGas(copied.gasUsed)} for the keeper's work, which cost the keeper ${toGas(late.gasUsed)}`,
    };
  },
};
