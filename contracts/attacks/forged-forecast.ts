import { type Attack, refused } from "./attack.ts";

const CALM = -16_000;
const EXCITED = 4_000;

/** The attester is in league; notaries and their features are honest. No weight is outside its band. */
export const forgedForecast: Attack = {
  tries:
    "signs a breach probability of 99 % where the model sees a calm market, then shows the vault other features",
  async run(scene) {
    const model = await scene.registerModel();
    await scene.passHour(2_300);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades, { modelId: model.modelId, breachPpm: 990_000 });
    const claimed = await scene.rebalance(decision, trades, await scene.forecast(decision, model, CALM));
    const shown = await scene.rebalance(
      decision,
      trades,
      await scene.forecast(decision, model, CALM, EXCITED),
    );
    return refused(scene, before, [
      ["ScoreTooLow", claimed],
      ["FeaturesNotProven", shown],
    ]);
  },
};
