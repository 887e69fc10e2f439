import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, HOUR_MS, unixMillis } from "@ballast/data";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateWith, T0, toWad } from "../test/fixture.ts";
import { readInputs } from "./inputs.ts";
import type { Journal } from "./journal.ts";
import { openJournal } from "./journal-sqlite.ts";
import { hashOf, Killed, Refusal, snapshotAt, Unreachable, venueInMemory } from "./loop.fixture.ts";
import { type LoopPorts, type MarketWitness, runLoop, type Step } from "./loop.ts";
import { predictivePolicy } from "./policies/predictive.ts";
import { policyOf, thresholdPolicy } from "./policies/registry.ts";
import type { Policy } from "./types.ts";
import type { Venue } from "./venue.ts";

describe("runLoop", () => {
  let folder: string;
  let journal: Journal;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ballast-loop-"));
    journal = openJournal(join(folder, "journal.sqlite"));
  });
  afterEach(() => {
    journal.close();
    rmSync(folder, { recursive: true });
  });

  async function run(
    venue: Venue,
    hours: readonly number[],
    changes: Partial<LoopPorts> = {},
  ): Promise<Step[]> {
    const steps: Step[] = [];
    let now = T0;
    await runLoop({
      run: "test",
      ticks: (async function* () {
        for (const hour of hours) {
          now = unixMillis(T0 + hour * HOUR_MS);
          yield now;
        }
      })(),
      now: () => now,
      observe: async (at) => snapshotAt(at),
      forecast: () => undefined,
      policy: thresholdPolicy(),
      journal,
      sign: async (decision) => ({
        offchainAttestation: "{}",
        offchainUid: hashOf(`off ${decision.decidedAt}`),
      }),
      venue,
      isDryRun: false,
      onStep: (step) => steps.push(step),
      ...changes,
    });
    return steps;
  }

  it("default: executes what is outside the band, then holds, and journals both", async () => {
    const { venue, executions } = venueInMemory();
    const steps = await run(venue, [0, 1, 2]);
    expect(steps.map(({ kind }) => kind)).toEqual(["executed", "held", "held"]);
    expect(executions.size).toBe(1);
    const { items } = journal.list({ limit: 10, order: "oldest" });
    expect(items.map(({ stage }) => stage)).toEqual(["executed", "signed", "signed"]);
    expect(journal.unfinished("test")).toEqual([]);
  });

  it("default: signs what came of it, referring to the attestation it was executed by", async () => {
    const outcomes: unknown[] = [];
    const signOutcome: LoopPorts["signOutcome"] = async (record, uid) => {
      outcomes.push([record, uid]);
      return '{"signed":true}';
    };
    const { venue } = venueInMemory();
    const [step] = await run(venue, [0], { signOutcome });
    const { hash, execution, uid } = journal.list({ limit: 1 }).items[0]!;
    const record = {
      decisionHash: hash,
      txHash: execution!.txHash,
      observedAt: BigInt(T0 / 1000) + 12n,
      wasBreached: true,
      lossPpm: 100n, // 100 of a million
      gasUsed: 400_000n,
    };
    expect(outcomes).toEqual([[record, uid]]);
    expect(step).toMatchObject({ kind: "executed", execution: { outcomeAttestation: '{"signed":true}' } });
    expect(execution!.outcomeAttestation).toBe('{"signed":true}');
  });

  it("behaviour: a policy that remembers takes it from its decisions, also after a restart", async () => {
    const worth = (thousands: number) => {
      const state = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 });
      const [base, ...others] = state.holdings;
      return venueInMemory({
        ...state,
        holdings: [{ ...base!, balance: BigInt(thousands) * 10n ** 9n }, ...others],
      }).venue;
    };
    const policy = policyOf({ name: "cppi", parameters: { tolerance: 1 } });
    const peaks = () =>
      journal
        .list({ limit: 10, order: "oldest" })
        .items.map(({ numbers, decision }) => [
          Math.round(numbers.peak!),
          Math.round(numbers.value!),
          decision.policyId ===
            policyOf({ name: "cppi", parameters: { tolerance: 1, peak: numbers.peak! } }).id,
        ]);
    const others = 700_000;
    await run(worth(300), [0], { policy });
    await run(worth(200), [1, 2], { policy });
    // The first was decided without a peak, and with the value of then; what follows knows it, the restarted loop too.
    expect(peaks()).toEqual([
      [others + 300_000, others + 300_000, false],
      [others + 300_000, others + 200_000, true],
      [others + 300_000, others + 200_000, true],
    ]);
    // Started again in the same hour, it meets its own decision.
    await run(worth(200), [2], { policy });
    expect(peaks()).toHaveLength(3);
  });

  it("behaviour: a dry run decides the same and sends nothing", async () => {
    const dry = venueInMemory();
    const steps = await run(dry.venue, [0], { isDryRun: true, run: "dry" });
    expect(steps.map(({ kind }) => kind)).toEqual(["would-execute"]);
    expect(dry.calls).toEqual(["readState"]);
    const live = await run(venueInMemory().venue, [0]);
    const hash = (step: Step | undefined) => (step && "decided" in step ? step.decided.hash : undefined);
    expect(hash(steps[0])).toBe(hash(live[0]));
  });

  it.each(["readState", "before attest", "after attest", "before submit", "after submit", "after execute"])(
    "behaviour: killed at %s and started again in the same hour, it executes once, and at once",
    async (point) => {
      const { venue, executions, breakAt } = venueInMemory();
      breakAt(point, new Killed(point));
      await expect(run(venue, [0])).rejects.toThrow(Killed);
      const steps = await run(venue, [0, 1]);
      expect(steps.map(({ kind }) => kind)).toEqual(
        point === "readState" ? ["executed", "held"] : ["resumed", "held", "held"],
      );
      expect(executions.size).toBe(1);
      const { items } = journal.list({ limit: 10, order: "oldest" });
      expect(items[0]?.stage).toBe("executed");
      expect(items.map(({ decision }) => decision.action)).toEqual(
        point === "readState" ? [1, 0] : [1, 0, 0],
      );
      expect(journal.unfinished("test")).toEqual([]);
    },
  );

  it.each([
    ["before attest", "abandoned", "executed"],
    ["after attest", "abandoned", "executed"],
    ["after submit", "abandoned", "executed"],
    ["after execute", "executed", "held"],
  ])(
    "behaviour: killed at %s and started again after the decision expired, it is %s",
    async (point, as, next) => {
      const { venue, executions, breakAt } = venueInMemory();
      breakAt(point, new Killed(point));
      await expect(run(venue, [0])).rejects.toThrow(Killed);
      const steps = await run(venue, [1, 2]);
      expect(steps).toMatchObject([{ kind: "resumed", as }, { kind: next }, { kind: "held" }]);
      expect(executions.size).toBe(1);
      expect(journal.unfinished("test")).toEqual([]);
    },
  );

  it("behaviour: a resumed decision that the vault refuses is rejected, and its attestation not made again", async () => {
    const { venue, calls, breakAt } = venueInMemory();
    breakAt("before submit", new Killed("before submit"));
    await expect(run(venue, [0])).rejects.toThrow(Killed);
    breakAt("before submit", new Refusal("the attestation was revoked"));
    const steps = await run(venue, [0, 1]);
    expect(steps).toMatchObject([
      { kind: "resumed", as: "rejected" },
      { kind: "held" },
      { kind: "executed" },
    ]);
    expect(calls.filter((call) => call === "before attest")).toHaveLength(2);
    expect(journal.list({ limit: 1, stage: "rejected" }).items[0]?.rejection?.message).toContain("revoked");
  });

  it("error: what the vault refuses is a step with its reason, and the next hour goes on", async () => {
    const { venue, breakAt } = venueInMemory();
    breakAt("before submit", new Refusal("the oracle's price is too old"));
    const steps = await run(venue, [0, 1]);
    expect(steps.map(({ kind }) => kind)).toEqual(["rejected", "executed"]);
    expect(journal.list({ limit: 1, stage: "rejected" }).items[0]?.rejection?.message).toContain("too old");
  });

  it("error: a model that fails is reported, and a breach is acted on without it", async () => {
    const forecast = () => {
      throw new Unreachable("not enough bars");
    };
    const steps = await run(venueInMemory().venue, [0], { forecast });
    expect(steps.map(({ kind }) => kind)).toEqual(["unforecast", "executed"]);
    expect(journal.last("test")?.forecast).toBeUndefined();
  });

  it("error: an unreachable node is a missed hour, not the end", async () => {
    const { venue, breakAt } = venueInMemory();
    breakAt("readState", new Unreachable("no answer"));
    const steps = await run(venue, [0, 1]);
    expect(steps.map(({ kind }) => kind)).toEqual(["missed", "executed"]);
  });

  describe("ahead of a breach", () => {
    const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
    const model = { id: word("3"), attestationUid: word("4"), isActive: true, maxTurnover: toWad(0.5) };
    const threatened = stateWith(
      { USDC: 0.33, BTC: 0.35, ETH: 0.32 },
      { model, minScore: 500, notaryThreshold: 2 },
    );
    const eager: Policy = {
      ...thresholdPolicy(),
      choose: ({ state }) => ({
        kind: "rebalance",
        reason: "breach-forecast",
        toWeights: state.holdings.map(({ targetWeight }) => targetWeight),
        numbers: {},
      }),
    };
    const proof = { featuresRoot: word("7"), features: "0x0102" as Hex, path: [word("8")] };
    const witnessOf = (answer: Awaited<ReturnType<MarketWitness["notarise"]>>) => {
      const asked: unknown[] = [];
      const witness: MarketWitness = {
        scorer: { modelId: model.id, scores: () => [0, 0, 900] },
        prove: (_snapshot, _state, holding) => {
          asked.push(holding);
          return proof;
        },
        notarise: async (_snapshot, featuresRoot, threshold) => {
          asked.push(featuresRoot, threshold);
          return answer;
        },
      };
      return { witness, asked };
    };

    it("default: gives the vault the proof and the notaries' signatures, and refers to the model's attestation", async () => {
      const { venue, executedWith } = venueInMemory(threatened, { isOnchain: false });
      const { witness, asked } = witnessOf({ signatures: "0xabcd" });
      const modelUids: Hex[] = [];
      const sign: LoopPorts["sign"] = async (_decision, modelUid) => {
        modelUids.push(modelUid);
        return { offchainAttestation: "{}", offchainUid: word("5") };
      };
      const steps = await run(venue, [0], { policy: eager, witness, sign });
      expect(steps).toMatchObject([{ kind: "executed", uid: word("5"), attestGas: 0n }]);
      expect(asked).toEqual([2, word("7"), 2]);
      expect(modelUids).toEqual([model.attestationUid]);
      const market = { ...proof, notarySignatures: "0xabcd" };
      expect(executedWith).toEqual([{ uid: undefined, market }]);
      const entry = journal.last("test")!;
      expect(entry).toMatchObject({ stage: "executed", market, uid: undefined });
      expect(entry.decision).toMatchObject({ modelId: model.id, holding: 2 });
      expect(readInputs(entry.inputs!)).toMatchObject({
        state: threatened,
        isNotarised: true,
        hasScorer: true,
      });
    });

    it("behaviour: too few notaries: it holds, says who refused, and whoever decides again gets the same", async () => {
      const { venue, executions } = venueInMemory(threatened, { isOnchain: false });
      const { witness } = witnessOf({ refusals: ["notary a does not sign", "notary b is late"] });
      const policy = { ...predictivePolicy(), choose: eager.choose };
      const steps = await run(venue, [0], { policy, witness });
      expect(steps).toMatchObject([
        { kind: "unnotarised", refusals: ["notary a does not sign", "notary b is late"] },
        { kind: "held", decided: { reason: "too-few-notaries" } },
      ]);
      expect(executions.size).toBe(0);
      const entry = journal.last("test")!;
      expect(entry.market).toBeUndefined();
      expect(readInputs(entry.inputs!).isNotarised).toBe(false);
    });

    it("behaviour: killed before it was sent, the resumed decision still brings its proof", async () => {
      const { venue, executedWith, breakAt } = venueInMemory(threatened, { isOnchain: false });
      const { witness } = witnessOf({ signatures: "0xabcd" });
      breakAt("before submit", new Killed("before submit"));
      await expect(run(venue, [0], { policy: eager, witness })).rejects.toThrow(Killed);
      const steps = await run(venue, [0], { policy: eager, witness });
      expect(steps[0]).toMatchObject({ kind: "resumed", as: "executed" });
      expect(executedWith.at(-1)).toMatchObject({ market: { notarySignatures: "0xabcd" } });
    });

    it("behaviour: a weight outside its band needs neither network nor notaries", async () => {
      const outside = { ...stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }), model, notaryThreshold: 2 };
      const { venue, executedWith } = venueInMemory(outside, { isOnchain: false });
      const { witness, asked } = witnessOf({ refusals: [] });
      const steps = await run(venue, [0], { witness });
      expect(steps).toMatchObject([{ kind: "executed" }]);
      expect(asked).toEqual([]);
      expect(executedWith).toEqual([{ uid: undefined, market: undefined }]);
    });
  });
});
