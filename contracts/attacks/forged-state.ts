import { type Attack, refused } from "./attack.ts";
import { BITCOIN, USDC } from "./scene.ts";

const EXCITED = 4_000;

/** The attester is in league. The vault takes no weight from anybody: it computes them from its balances and oracles. */
export const forgedState: Attack = {
  tries:
    "signs that ether is outside its band when it is not, then, in an excited market, that bitcoin is above target",
  async run(scene) {
    const model = await scene.registerModel();
    await scene.passHour(2_300);
    const before = await scene.holdings();
    const trades = [await scene.sellEther()];
    const reactive = await scene.decide(trades);
    const outside = await scene.rebalance(reactive, trades, await scene.sign(reactive));

    const { listings, addresses } = scene.devnet;
    const pair = [listings[BITCOIN]!.token, listings[USDC]!.token] as const;
    const amountIn = 10n ** 7n;
    const [tokenIn, tokenOut] = pair;
    const minAmountOut: bigint = await scene.vault.minOut!(tokenIn, tokenOut, amountIn);
    const sale = [{ venue: addresses.venue, tokenIn, tokenOut, amountIn, minAmountOut, route: "0x000bb8" }];
    const decision = await scene.decide(sale, { modelId: model.modelId });
    const above = await scene.rebalance(decision, sale, await scene.forecast(decision, model, EXCITED));
    return refused(scene, before, [
      ["ForecastMissing", outside],
      ["NotAboveTarget", above],
    ]);
  },
};
