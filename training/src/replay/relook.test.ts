import { join } from "node:path";
import { decideAgain, openJournal, policyOf, readInputs } from "@ballast/agent";
import { HOUR_MS, seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { clean, START, syntheticRaw } from "../markets.fixture.ts";
import { OPEN_SCORER, type Step } from "./course.ts";
import { ASSETS, contextIn, HISTORY_HOURS, newFolder, specOf } from "./replay.fixture.ts";
import { runBacktest } from "./run.ts";

const HOURS = HISTORY_HOURS + 250;
const FIVE_MINUTES = HOUR_MS / 12;
const CUT = START + (HISTORY_HOURS + 120) * HOUR_MS;

/** A market whose base fee is also known every five minutes; those after `CUT` multiplied. */
async function marketWith(later = 1) {
  const raw = await syntheticRaw(7, HOURS, ASSETS);
  const random = seededRandom(3);
  const count = HOURS * 12;
  const publishedAt = Float64Array.from({ length: count }, (_, i) => START + (i + 1) * FIVE_MINUTES);
  const value = publishedAt.map((at) => 20 * Math.exp(0.5 * random.normal()) * (at > CUT ? later : 1));
  const hourly = {
    name: "base_fee_gwei",
    unit: "gwei",
    publishedAt: publishedAt.filter((_, i) => i % 12 === 11),
    value: value.filter((_, i) => i % 12 === 11).fill(20),
  };
  return clean({
    ...raw,
    exogenous: [hourly, { name: "block_base_fee_gwei", unit: "gwei", publishedAt, value }],
  });
}

async function run(later?: number) {
  const market = await marketWith(later);
  const folder = newFolder();
  const journal = openJournal(join(folder, "journal.sqlite"));
  const steps: Step[] = [];
  const spec = specOf(market, {
    name: "patient",
    policy: policyOf({ name: "patient", parameters: { size: 0.4 } }),
  });
  const made = await runBacktest(
    spec,
    await contextIn(folder, { journal, onStep: (step) => steps.push(step) }),
  );
  return { market, made, steps, journal };
}

describe("looks within the bar", () => {
  it("default: trades when gas has come down to what the deviation is worth, and pays no more", async () => {
    const { made, steps, journal } = await run();
    const capped = made.trades.filter(({ numbers }) => numbers.highestGasGwei !== undefined);
    expect(capped.length).toBeGreaterThan(10);
    for (const { gasGwei, numbers } of capped) expect(gasGwei).toBeLessThanOrEqual(numbers.highestGasGwei!);
    const within = made.trades.filter(({ decidedAt }) => decidedAt % HOUR_MS !== 0);
    expect(within.length).toBeGreaterThan(5);
    // While the data are fresh, and executed at the close of the bar that was looked into.
    for (const { decidedAt, executedAt } of within) {
      expect(decidedAt % HOUR_MS).toBeLessThanOrEqual(1_500_000);
      expect(executedAt).toBe(Math.ceil(decidedAt / HOUR_MS) * HOUR_MS);
    }
    expect(steps.filter(({ relooked }) => relooked !== undefined).length).toBe(within.length);
    journal.close();
  });

  it("behaviour: each of its decisions can be made again, and is in the journal", async () => {
    const { market, steps, journal } = await run();
    const { items } = journal.list({ limit: 1000, order: "oldest" });
    expect(items).toHaveLength(steps.length + steps.filter(({ relooked }) => relooked !== undefined).length);
    for (const entry of items) {
      const snapshot = market.past(entry.at).snapshot(HISTORY_HOURS);
      const again = decideAgain(readInputs(entry.inputs!), snapshot, entry.forecast, OPEN_SCORER);
      expect(again.hash).toBe(entry.hash);
    }
    journal.close();
  });

  it("behaviour: what gas costs later changes no earlier decision", async () => {
    const [sound, other] = [await run(), await run(0.2)];
    const early = ({ made }: typeof sound) => made.trades.filter(({ decidedAt }) => decidedAt <= CUT);
    expect(early(sound).length).toBeGreaterThan(3);
    expect(early(other)).toEqual(early(sound));
    expect(other.made.decisionsDigest).not.toBe(sound.made.decisionsDigest);
    for (const { journal } of [sound, other]) journal.close();
  });

  it("behaviour: other policies do not look", async () => {
    const market = await marketWith();
    const steps: Step[] = [];
    await runBacktest(specOf(market), await contextIn(newFolder(), { onStep: (step) => steps.push(step) }));
    expect(steps.every(({ relooked }) => relooked === undefined)).toBe(true);
    expect(steps.length).toBeGreaterThan(200);
  });
});
