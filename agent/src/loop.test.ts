import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BallastError,
  type Hex,
  HOUR_MS,
  keccak,
  type Snapshot,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateWith, T0 } from "../test/fixture.ts";
import type { Journal } from "./journal.ts";
import { openJournal } from "./journal-sqlite.ts";
import { type LoopPorts, runLoop, type Step } from "./loop.ts";
import { thresholdPolicy } from "./policies/threshold.ts";
import type { Execution, VaultState } from "./types.ts";
import type { Executable, Venue } from "./venue.ts";

const hashOf = (text: string): Hex => keccak(new TextEncoder().encode(text));
const snapshotAt = (at: UnixMillis): Snapshot => ({
  at,
  intervalMs: HOUR_MS,
  assets: ["BTC", "ETH"],
  bars: [],
  exogenous: [],
  root: hashOf(`snapshot ${at}`),
});

class Refusal extends BallastError {
  readonly code = "VAULT_REJECTION";
}
class Unreachable extends BallastError {
  readonly code = "NODE";
}
/** What ends a process without a word: not a BallastError. */
class Killed extends Error {}

/** A vault and its chain in memory: outside its band until the first execution, one execution per sequence. */
function venueInMemory() {
  let state: VaultState = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 });
  const executions = new Map<Hex, Execution>();
  const attested = new Map<Hex, Hex>();
  const calls: string[] = [];
  let fault: { readonly at: string; readonly error: Error } | undefined;
  const pass = (point: string) => {
    calls.push(point);
    if (fault?.at === point) {
      const { error } = fault;
      fault = undefined;
      throw error;
    }
  };
  const venue: Venue = {
    async readState() {
      pass("readState");
      return state;
    },
    async attest({ hash }: Executable) {
      pass("before attest");
      const isNew = !attested.has(hash);
      const uid = attested.get(hash) ?? hashOf(`uid ${hash}`);
      attested.set(hash, uid);
      pass("after attest");
      return { uid, gasUsed: isNew ? 200_000n : 0n };
    },
    async execute({ decision, hash, trades }, _uid, onSubmitted) {
      pass("before submit");
      const earlier = executions.get(hash);
      if (earlier !== undefined) {
        onSubmitted(earlier.txHash);
        return earlier;
      }
      if (decision.sequence !== state.sequence + 1n)
        throw new Refusal(`sequence ${decision.sequence} is not next`);
      const txHash = hashOf(`tx ${hash}`);
      onSubmitted(txHash);
      pass("after submit");
      const execution = {
        txHash,
        blockNumber: 7,
        gasUsed: 400_000n,
        gasPrice: 1n,
        amountsOut: trades.map((t) => t.minAmountOut),
      };
      executions.set(hash, execution);
      state = { ...stateWith({ USDC: 1 / 3, BTC: 1 / 3, ETH: 1 / 3 }), sequence: decision.sequence };
      pass("after execute");
      return execution;
    },
    async findExecution({ hash }) {
      return executions.get(hash);
    },
  };
  return { venue, executions, calls, breakAt: (at: string, error: Error) => (fault = { at, error }) };
}

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
});
