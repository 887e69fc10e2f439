import { keccak256 } from "ethers";
import { type Attack, refused } from "./attack.ts";

/** The attester is in league: the decision is signed as it should be. */
export const unregisteredModel: Attack = {
  tries: "signs a decision with a network of its own making, deploys it, then tries to register it",
  async run(scene) {
    await scene.passHour(3_000);
    const before = await scene.holdings();
    const network = "0x0001";
    const modelId = keccak256(network);
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades, { modelId });
    const traded = await scene.rebalance(decision, trades, await scene.sign(decision));
    // Ten bytes of creation code return the two behind them.
    const { hash } = await scene.attacker.sendTransaction({
      data: `0x61000280600a5f395ff3${network.slice(2)}`,
    });
    const holder = (await scene.devnet.provider.getTransactionReceipt(hash))!.contractAddress;
    const args = [modelId, holder, keccak256("0x")];
    const call = scene.vault.interface.encodeFunctionData("registerModel", args);
    const submitted = await scene.attempt(scene.vault, "submit", [call]);
    const registered = await scene.attempt(scene.vault, "registerModel", args);
    return refused(scene, before, [
      ["ModelNotActive", traded],
      ["OwnableUnauthorizedAccount", submitted],
      ["NotSubmitted", registered],
    ]);
  },
};
