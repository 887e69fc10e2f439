import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { GALLERY, runAttack } from "./gallery.ts";
import { Scene } from "./scene.ts";

vi.setConfig({ testTimeout: 60_000 });

/** What the attacks falsify in one point each is good as it is: else they would be stopped by the wrong thing. */
describe("default: the honest decision of the scene is executed", () => {
  test.each([
    ["outside a band", 3_000],
    ["ahead of a breach", 2_300],
  ])("%s", async (reason, ether) => {
    const scene = await Scene.open();
    try {
      const model = await scene.registerModel();
      await scene.passHour(ether);
      const before = await scene.holdings();
      const trades = [await scene.sellEther()];
      const isForecast = reason === "ahead of a breach";
      const decision = await scene.decide(trades, isForecast ? { modelId: model.modelId } : {});
      const evidence = isForecast ? scene.forecast(decision, model, 4_000) : scene.sign(decision);
      const { refusal } = await scene.rebalance(decision, trades, await evidence, scene.keeper);
      expect(refusal).toBe("");
      expect(await scene.holdings()).not.toBe(before);
    } finally {
      await scene.close();
    }
  });
});

describe("behaviour: every attack is stopped", () => {
  test.each(Object.entries(GALLERY))("%s", async (_name, attack) => {
    const { isStopped, stoppedBy, cost } = await runAttack(attack);
    expect(isStopped, `${stoppedBy}; cost ${cost}`).toBe(true);
  });
});

test("error: a name that is no attack gives the list and exit status 2", () => {
  const { status, stderr } = spawnSync("node", [join(import.meta.dirname, "main.ts"), "bribe"], {
    encoding: "utf8",
  });
  expect(status).toBe(2);
  expect(stderr).toContain("bribe is no attack");
  for (const name of Object.keys(GALLERY)) expect(stderr).toContain(name);
});
