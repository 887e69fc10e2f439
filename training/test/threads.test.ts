import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startTrialThread, threadRunner } from "../src/jobs/threads.ts";
import {
  type Trial,
  TrialFailedError,
  type TrialRunner,
  trialKey,
  validationLoss,
} from "../src/jobs/trial.ts";
import { dataset, newFolder, newTrials } from "./trials.fixture.ts";

const artefacts = newFolder();
const trials = await newTrials(artefacts, 3);
const expected: (number | null)[] = [];
for (const { config, seed, epochs } of trials)
  expected.push(await validationLoss(dataset, config, seed, epochs));
const runners: TrialRunner[] = [];
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.close();
});

function open(options: Partial<Parameters<typeof threadRunner>[0]> = {}): TrialRunner {
  const runner = threadRunner({ artefacts, count: 2, ...options });
  runners.push(runner);
  return runner;
}

async function losses(runner: TrialRunner, asked: readonly Trial[] = trials): Promise<(number | null)[]> {
  const found = new Map<Trial, number | null>();
  await runner.run(asked, (trial, { loss }) => found.set(trial, loss));
  return asked.map((trial) => found.get(trial)!);
}

describe("threadRunner", () => {
  it("default: the bits of a fit in this thread, whatever the number of threads", async () => {
    expect(new Set(expected).size).toBe(trials.length);
    expect(await losses(open({ count: 1 }))).toEqual(expected);
    expect(await losses(open({ count: 3 }), trials.toReversed())).toEqual(expected.toReversed());
  });

  it("behaviour: a thread that is killed in a trial is replaced, and the result is the same", async () => {
    let killed = 0;
    const killsFirst = open({
      startThread: (folder) => {
        const thread = startTrialThread(folder);
        if (killed === 0) {
          killed++;
          thread.once("online", () => void thread.terminate());
        }
        return thread;
      },
    });
    expect(await losses(killsFirst)).toEqual(expected);
    expect(killed).toBe(1);
  });

  it("error: a trial whose thread dies each time is given up after three attempts", async () => {
    let started = 0;
    const killsAll = open({
      count: 1,
      startThread: (folder) => {
        started++;
        const thread = startTrialThread(folder);
        thread.once("online", () => void thread.terminate());
        return thread;
      },
    });
    const failure = killsAll.run(trials, () => {});
    await expect(failure).rejects.toThrow(TrialFailedError);
    await expect(failure).rejects.toThrow(`${trialKey(trials[0]!)} failed 3 times (its thread ended`);
    expect(started).toBe(3);
  });

  it("error: a data set that is not there, or is not the one of its root, is refused", async () => {
    const empty = open({ artefacts: newFolder() });
    await expect(losses(empty)).rejects.toThrow(`There is no artefact ${trials[0]!.dataset}`);
    const changed = newFolder();
    const [first] = await newTrials(changed, 1);
    const folder = path.join(changed, "artefacts", "dataset", first!.dataset.slice(2, 4));
    const file = path.join(folder, readdirSync(folder)[0]!);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    await expect(losses(open({ artefacts: changed }), [first!])).rejects.toThrow(/was changed: its content/);
  });

  it("error: another backend's trial is refused; an abort ends the threads", async () => {
    const other = { ...trials[0]!, backend: "wasm 3.0.0" };
    await expect(losses(open(), [other])).rejects.toThrow("the sweep computes on wasm 3.0.0");
    const controller = new AbortController();
    const reported: Trial[] = [];
    const stopped = open().run(
      trials,
      (trial) => {
        reported.push(trial);
        controller.abort(new Error("enough"));
      },
      controller.signal,
    );
    await expect(stopped).rejects.toThrow("enough");
    expect(reported.length).toBeLessThan(trials.length);
  });
});
