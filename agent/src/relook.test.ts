import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS, type UnixMillis, unixMillis } from "@ballast/data";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateWith } from "../test/fixture.ts";
import { decideAgain, readInputs } from "./inputs.ts";
import type { Journal } from "./journal.ts";
import { openJournal } from "./journal-sqlite.ts";
import { hashOf, Killed, Refusal, Unreachable, venueInMemory } from "./loop.fixture.ts";
import { type LoopPorts, type MarketWitness, runLoop, type Step } from "./loop.ts";
import {
  cooled,
  DUE,
  forecastOf,
  foresight,
  near,
  outside,
  snapshotAt,
} from "./policies/policies.fixture.ts";
import { policyOf } from "./policies/registry.ts";

/** The base fee is usually 20 gwei; a rebalance of `near` is worth about twice that. */
const DEAR = 90;
const CHEAP = 15;
/** Minutes after the first bar's close, and what gas costs then. */
type Look = readonly [minutes: number, gwei: number];

describe("a second look within the bar", () => {
  let folder: string;
  let journal: Journal;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ballast-relook-"));
    journal = openJournal(join(folder, "journal.sqlite"));
  });
  afterEach(() => {
    journal.close();
    rmSync(folder, { recursive: true });
  });

  const witness: MarketWitness = {
    scorer: foresight.scorer,
    prove: () => ({ featuresRoot: hashOf("features"), features: "0x", path: [] }),
    notarise: async () => ({ signatures: "0x" }),
  };
  async function run(
    { venue, setGas }: Pick<ReturnType<typeof venueInMemory>, "venue" | "setGas">,
    looks: readonly Look[],
    changes: Partial<LoopPorts> = {},
  ) {
    const steps: Step[] = [];
    const asked: UnixMillis[] = [];
    let now = DUE;
    await runLoop({
      run: "test",
      ticks: (async function* () {
        for (const [minutes, gwei] of looks) {
          now = unixMillis(DUE + minutes * 60_000);
          setGas(gwei);
          yield unixMillis(Math.floor(now / HOUR_MS) * HOUR_MS);
        }
      })(),
      now: () => now,
      observe: async (at) => {
        asked.push(at);
        return snapshotAt(at, 20);
      },
      forecast: ({ at }) => forecastOf(at),
      witness,
      policy: policyOf({ name: "patient" }),
      journal,
      sign: async (decision) => ({
        offchainAttestation: "{}",
        offchainUid: hashOf(`off ${decision.stateHash}`),
      }),
      venue,
      isDryRun: false,
      onStep: (step) => steps.push(step),
      ...changes,
    });
    return { steps, asked, kinds: steps.map(({ kind }) => kind) };
  }
  const entries = () => journal.list({ limit: 20, order: "oldest" }).items;

  it("default: waits for gas on the snapshot of the bar, and journals the hour and what acted", async () => {
    const vault = venueInMemory(near);
    const { kinds, asked, steps } = await run(vault, [
      [0, DEAR],
      [3, DEAR],
      [6, DEAR],
      [9, CHEAP],
      [12, CHEAP],
      [60, CHEAP],
    ]);
    expect(kinds).toEqual(["held", "still-holds", "still-holds", "executed", "held"]);
    expect(steps[1]).toMatchObject({ decided: { reason: "gas-above-cap" } });
    expect(asked).toEqual([DUE, DUE + HOUR_MS]);
    expect(vault.executions.size).toBe(1);
    expect(entries().map(({ at, stage, reason }) => [at - DUE, stage, reason])).toEqual([
      [0, "signed", "gas-above-cap"],
      [0, "executed", "worth-its-cost"],
      [HOUR_MS, "signed", "inside-band"],
    ]);
  });

  it("behaviour: whoever decides again from the inputs gets the decision of the look, not the bar's", async () => {
    await run(venueInMemory(near), [
      [0, DEAR],
      [9, CHEAP],
    ]);
    const [bars, looks] = entries();
    expect(looks!.decision).toMatchObject({ action: 1, inputRoot: bars!.decision.inputRoot });
    expect(looks!.decision.decidedAt).toBe(bars!.decision.decidedAt);
    for (const [entry, gwei, minutes] of [
      [bars!, DEAR, 0],
      [looks!, CHEAP, 9],
    ] as const) {
      const inputs = readInputs(entry.inputs!);
      expect(inputs).toMatchObject({ now: DUE + minutes * 60_000 });
      expect(inputs.state.gasPrice).toBe(BigInt(gwei) * 10n ** 9n);
      const again = decideAgain(inputs, snapshotAt(DUE, 20), entry.forecast, foresight.scorer);
      expect([again.hash, again.reason]).toEqual([entry.hash, entry.reason]);
    }
  });

  it("behaviour: a snapshot that has aged is not acted on", async () => {
    const vault = venueInMemory(near);
    const { steps } = await run(vault, [
      [0, DEAR],
      [26, CHEAP],
    ]);
    expect(steps[1]).toMatchObject({ kind: "still-holds", decided: { reason: "stale-data" } });
    expect(vault.executions.size).toBe(0);
  });

  it("behaviour: the vault's cooldown counts from the bar", async () => {
    const recent = { ...near, lastRebalanceAt: unixMillis(DUE - 0.5 * HOUR_MS) };
    const { steps } = await run(venueInMemory(recent), [
      [0, DEAR],
      [3, CHEAP],
    ]);
    expect(steps[1]).toMatchObject({ kind: "still-holds", decided: { reason: "cooldown" } });
  });

  it("behaviour: what the vault refused, or a dry run would do, is not tried again before the next bar", async () => {
    const vault = venueInMemory(near);
    vault.breakAt("before submit", new Refusal("the oracle's price is too old"));
    const looks: Look[] = [
      [0, CHEAP],
      [3, CHEAP - 1],
      [60, CHEAP],
    ];
    expect((await run(vault, looks)).kinds).toEqual(["rejected", "executed"]);
    const dry = await run(venueInMemory(near), looks, { isDryRun: true, run: "dry" });
    expect(dry.kinds).toEqual(["would-execute", "would-execute"]);
  });

  it("behaviour: where gas has risen meanwhile, it stays as it is and is carried out once gas is down, once", async () => {
    const vault = venueInMemory(near);
    const { venue, setGas } = vault;
    const rising = {
      ...venue,
      async readState() {
        const state = await venue.readState();
        setGas(DEAR);
        return state;
      },
    };
    const { steps, kinds } = await run({ venue: rising, setGas }, [
      [0, CHEAP],
      [3, DEAR],
      [6, CHEAP],
      [9, CHEAP],
    ]);
    expect(kinds).toEqual(["missed", "missed", "resumed"]);
    expect(steps).toMatchObject([{ error: { code: "GAS_PRICE" } }, {}, { as: "executed" }]);
    expect(entries().map(({ stage }) => stage)).toEqual(["executed"]);
    expect(vault.executions.size).toBe(1);
  });

  it.each([undefined, new Unreachable("no answer")])(
    "behaviour: a transaction that expired in the queue is cancelled; a failure to do so (%s) holds up nothing",
    async (fault) => {
      const vault = venueInMemory(near);
      vault.breakAt("after submit", new Unreachable("no receipt"));
      await run(vault, [[0, CHEAP]]);
      const [stuck] = entries();
      if (fault !== undefined) vault.breakAt("cancel", fault);
      const { kinds } = await run(vault, [
        [60, CHEAP],
        [63, CHEAP],
      ]);
      expect(kinds).toEqual(["resumed", ...(fault === undefined ? [] : ["missed"]), "executed"]);
      expect(vault.cancelled).toEqual([stuck!.txHash]);
      expect(vault.executions.size).toBe(1);
    },
  );

  it.each(["before attest", "after attest", "before submit", "after submit", "after execute"])(
    "behaviour: killed at %s of a second look and started again in the same bar, it executes once",
    async (point) => {
      const vault = venueInMemory(near);
      await run(vault, [[0, DEAR]]);
      vault.breakAt(point, new Killed(point));
      await expect(
        run(vault, [
          [1, DEAR],
          [3, CHEAP],
        ]),
      ).rejects.toThrow(Killed);
      const { kinds } = await run(vault, [
        [4, CHEAP],
        [7, CHEAP],
        [60, CHEAP],
      ]);
      expect(kinds).toEqual(["resumed", "held", "held"]);
      expect(vault.executions.size).toBe(1);
      expect(journal.unfinished("test")).toEqual([]);
    },
  );

  it("behaviour: a bar whose market or vault could not be read is decided at the next look, and signed", async () => {
    const vault = venueInMemory(near);
    vault.breakAt("readState", new Unreachable("no answer"));
    const looks: Look[] = [
      [0, DEAR],
      [3, DEAR],
      [6, DEAR],
    ];
    expect((await run(vault, looks)).kinds).toEqual(["missed", "held", "still-holds"]);
    expect(entries()).toHaveLength(1);
    let isPublished = false;
    const late = await run(venueInMemory(near), looks, {
      run: "late",
      observe: async (at) => {
        if (isPublished) return snapshotAt(at, 20);
        isPublished = true;
        throw new Unreachable("no bars yet");
      },
    });
    expect(late.kinds).toEqual(["missed", "held", "still-holds"]);
  });

  it("behaviour: a breach is traded back whatever gas costs", async () => {
    const { kinds } = await run(venueInMemory(outside), [[0, 5_000]]);
    expect(kinds).toEqual(["executed"]);
    expect(entries()[0]!.numbers.highestGasGwei).toBeUndefined();
    // Inside the band the same price is not paid.
    const inside = await run(venueInMemory(near), [[0, 5_000]], { run: "inside" });
    expect(inside.kinds).toEqual(["held"]);
    expect(entries()[1]!.numbers.highestGasGwei).toBeLessThan(DEAR);
  });

  it("behaviour: a policy that remembers does so for what is journalled alone", async () => {
    const policy = policyOf({ name: "cppi", parameters: { tolerance: 1 } });
    const [base, ...others] = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }, cooled).holdings;
    let dollars = 300_000;
    const { venue, setGas } = venueInMemory(near);
    const growing = {
      ...venue,
      async readState() {
        const balance = BigInt(dollars) * 10n ** 6n;
        dollars -= 100_000;
        return { ...(await venue.readState()), holdings: [{ ...base!, balance }, ...others] };
      },
    };
    const looks: Look[] = [
      [0, 20],
      [3, 20],
      [60, 20],
    ];
    const { kinds } = await run({ venue: growing, setGas }, looks, { policy });
    expect(kinds).toEqual(["held", "still-holds", "held"]);
    expect(entries().map(({ numbers }) => Math.round(numbers.peak! / 1e5))).toEqual([10, 10]);
  });
});
