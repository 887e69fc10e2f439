import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ChampionHistoryError, NothingToRollBackError, openChampions } from "./champions.ts";
import { type Hex, unixMillis } from "./units.ts";

const model = (digit: string): Hex => `0x${digit.repeat(64)}`;
const at = unixMillis(Date.UTC(2024, 0, 1));
const expiresAt = unixMillis(Date.UTC(2024, 2, 1));
const folders: string[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ballast-champions-"));
  folders.push(folder);
});
afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true, force: true });
});
const promotion = (digit: string) =>
  ({ modelId: model(digit), at, expiresAt, reason: "won", isForced: false, evidence: { t: -3.5 } }) as const;

describe("champions", () => {
  it("default: the last promoted is the champion, and the history keeps all, over processes", async () => {
    const registry = openChampions(folder);
    expect(await registry.champion()).toBeUndefined();
    expect(await registry.history()).toEqual([]);
    await registry.promote(promotion("a"));
    await registry.promote(promotion("b"));
    registry.close();
    const again = openChampions(folder);
    expect(await again.champion()).toMatchObject({
      ...promotion("b"),
      action: "promote",
      at: "2024-01-01T00:00:00Z",
      expiresAt: "2024-03-01T00:00:00Z",
    });
    expect((await again.history()).map(({ modelId }) => modelId)).toEqual([model("a"), model("b")]);
    again.close();
  });

  it("behaviour: each rollback goes one champion further back, and adds a line", async () => {
    const registry = openChampions(folder);
    for (const digit of ["a", "b", "c"]) await registry.promote(promotion(digit));
    const back = () => registry.rollback({ at, reason: "drift" });
    expect((await back()).modelId).toBe(model("b"));
    expect((await back()).modelId).toBe(model("a"));
    expect((await registry.champion())!.expiresAt).toBe("2024-03-01T00:00:00Z");
    await expect(back()).rejects.toThrow(NothingToRollBackError);
    await registry.promote(promotion("d"));
    expect((await back()).modelId).toBe(model("a"));
    expect((await registry.history()).map(({ action }) => action[0]).join("")).toBe("ppprrpr");
    registry.close();
  });

  it("behaviour: what was written stays as it is", async () => {
    const registry = openChampions(folder);
    await registry.promote(promotion("a"));
    const first = await readFile(join(folder, "champions.jsonl"), "utf8");
    await Promise.all(["b", "c", "d"].map((digit) => registry.promote(promotion(digit))));
    const all = await readFile(join(folder, "champions.jsonl"), "utf8");
    expect(all.startsWith(first)).toBe(true);
    expect(all.split("\n")).toHaveLength(5);
    registry.close();
  });

  it("error: a history that was changed, shortened in the middle or cut off names the line", async () => {
    const registry = openChampions(folder);
    await expect(registry.rollback({ at, reason: "" })).rejects.toThrow("no model was ever promoted");
    for (const digit of ["a", "b", "c"]) await registry.promote(promotion(digit));
    const path = join(folder, "champions.jsonl");
    const whole = await readFile(path, "utf8");
    const lines = whole.split("\n");
    for (const [text, line] of [
      [whole.replace("won", "cheated"), 2],
      [[lines[0], lines[2], ""].join("\n"), 2],
      [[lines[1], lines[2], ""].join("\n"), 1],
      [whole.slice(0, -20), 3],
      [`${whole}{}\n`, 4],
      [`${whole}nonsense\n`, 4],
    ] as const) {
      await writeFile(path, text);
      await expect(registry.champion()).rejects.toThrow(ChampionHistoryError);
      await expect(registry.champion()).rejects.toThrow(`line ${line} of`);
      await expect(registry.promote(promotion("d"))).rejects.toThrow(ChampionHistoryError);
      expect(await readFile(path, "utf8")).toBe(text);
    }
    registry.close();
  });
});
