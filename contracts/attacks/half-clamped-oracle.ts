import { Contract, toBeHex } from "ethers";
import { devFeedArtifact } from "../src/index.ts";
import { type Attack, refused } from "./attack.ts";
import { ETHER, USDC } from "./scene.ts";

const LOW = 0.9715;

/**
 * On 2026-03-10 a risk oracle limited how fast a rate may rise but not the time that went with it, and reported wstETH
 * 2.85 % low, as fresh. Here the feed does the same, while the market, and with it the pool, stays where it was.
 */
export const halfClampedOracle: Attack = {
  tries:
    "waits for a feed that reports ether 2.85 % low with a fresh time, then buys shares and sells the vault's ether",
  async run(scene) {
    await scene.passHour(3_000);
    const { provider, addresses, listings } = scene.devnet;
    await provider.send("anvil_impersonateAccount", [addresses.market]);
    await provider.send("anvil_setBalance", [addresses.market, toBeHex(10n ** 18n)]);
    const market = await provider.getSigner(addresses.market);
    const feed = new Contract(listings[ETHER]!.feed, devFeedArtifact.abi, market);
    const trades = [await scene.sellEther()];
    await scene.mine(feed.report!(BigInt(3_000 * LOW * 1e8)));
    await scene.equip(USDC, 100_000n * 10n ** 6n);
    const before = await scene.holdings();
    const decision = await scene.decide(trades);
    const traded = await scene.rebalance(decision, trades, await scene.sign(decision));
    const deposited = await scene.attempt(scene.vault, "deposit", [
      100_000n * 10n ** 6n,
      scene.attacker.address,
    ]);
    const verdict = await refused(scene, before, [
      ["PriceDisagreement", traded],
      ["PriceDisagreement", deposited],
    ]);
    // What needs no price goes on: a holder leaves with a part of every token.
    const shares: bigint = (await scene.vault.balanceOf!(scene.owner.address)) / 10n;
    const args = [shares, scene.keeper.address, scene.owner.address, 0n];
    const left = await scene.attempt(scene.vault, "redeemInKind", args, scene.owner);
    const isOpen = left.error === undefined;
    return {
      ...verdict,
      isStopped: verdict.isStopped && isOpen,
      cost: `${verdict.cost}; redemption in kind ${isOpen ? "went on" : `WAS REFUSED: ${left.refusal}`}`,
    };
  },
};
