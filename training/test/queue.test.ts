import { RedisUnreachableError } from "@ballast/agent";
import { afterEach, describe, expect, it } from "vitest";
import { queueRunner } from "../src/jobs/queue.ts";
import { RedisGoneError } from "../src/jobs/redis.ts";
import {
  type Trial,
  TrialFailedError,
  type TrialRunner,
  trialKey,
  validationLoss,
} from "../src/jobs/trial.ts";
import {
  freePort,
  hasRedis,
  type RedisProcess,
  startRedis,
  startWorkerProcess,
  type WorkerProcess,
} from "./redis.fixture.ts";
import { dataset, newFolder, newTrials } from "./trials.fixture.ts";

const artefacts = newFolder();
const trials = await newTrials(artefacts, 3);
const expected: (number | null)[] = [];
for (const { config, seed, epochs } of hasRedis ? trials : [])
  expected.push(await validationLoss(dataset, config, seed, epochs));

/** So short that a killed worker's trial is taken up again in a few seconds. */
const SILENCE_MS = 1_500;
const POLL_MS = 50;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function redis(): Promise<RedisProcess> {
  const started = await startRedis();
  closing.push(() => started.kill());
  return started;
}

function worker({ url }: RedisProcess, folder = artefacts, dies = false): WorkerProcess {
  const started = startWorkerProcess(url, folder, SILENCE_MS, dies);
  closing.push(async () => started.child.kill("SIGKILL"));
  return started;
}

async function open({ url }: RedisProcess, lines: string[] = [], patienceMs = 60_000): Promise<TrialRunner> {
  const runner = await queueRunner({ url, log: (line) => lines.push(line), pollMs: POLL_MS, patienceMs });
  closing.push(() => runner.close());
  return runner;
}

async function losses(runner: TrialRunner, asked: readonly Trial[] = trials): Promise<(number | null)[]> {
  const found = new Map<Trial, number | null>();
  await runner.run(asked, (trial, { loss }) => found.set(trial, loss));
  return asked.map((trial) => found.get(trial)!);
}

describe.skipIf(!hasRedis)("queueRunner", () => {
  it("default: two worker processes give the bits of a fit in this process", async () => {
    const server = await redis();
    const workers = [worker(server), worker(server)];
    for (const { until } of workers) await until(/Waiting for trials/);
    expect(await losses(await open(server))).toEqual(expected);
    expect(
      workers
        .map(({ text }) => text())
        .join("")
        .match(/: loss/g),
    ).toHaveLength(trials.length);
    // Asked for once more, the trials are there already.
    expect(await losses(await open(server))).toEqual(expected);
    expect(
      workers
        .map(({ text }) => text())
        .join("")
        .match(/: loss/g),
    ).toHaveLength(trials.length);
  });

  it("behaviour: the trial of a worker that is killed in it is run by another, with the same result", async () => {
    const server = await redis();
    const first = worker(server);
    const outcome = losses(await open(server));
    await first.until(/trial 0x/);
    first.child.kill("SIGKILL");
    expect(first.text()).not.toMatch(/loss/);
    const second = worker(server);
    expect(await outcome).toEqual(expected);
    expect(second.text().match(/: loss/g)).toHaveLength(trials.length);
  });

  it("error: a trial that kills three workers is given up", async () => {
    const server = await redis();
    const outcome = losses(await open(server), trials.slice(0, 1));
    outcome.catch(() => {});
    for (let k = 0; k < 3; k++) {
      const { child } = worker(server, artefacts, true);
      await new Promise((resolve) => child.once("exit", resolve));
    }
    worker(server);
    await expect(outcome).rejects.toThrow(TrialFailedError);
    await expect(outcome).rejects.toThrow("failed 3 times (each worker that ran it died)");
  });

  it("behaviour: Redis that is killed and comes back empty costs no more than the trials in it", async () => {
    const server = await redis();
    const lines: string[] = [];
    const running = worker(server);
    const found: Trial[] = [];
    const runner = await open(server, lines);
    const outcome = runner.run(trials, (trial, { loss }) => {
      expect(loss).toBe(expected[trials.indexOf(trial)]);
      found.push(trial);
    });
    await running.until(/: loss/);
    await server.kill();
    await running.until(/is gone; waiting for it/);
    const again = await startRedis(server.port);
    closing.push(() => again.kill());
    await outcome;
    expect(new Set(found).size).toBe(trials.length);
    expect(found).toHaveLength(trials.length);
    expect(lines).toEqual([
      `Redis at 127.0.0.1:${server.port} is gone; waiting up to 60 s for it. Finished trials are kept.`,
      `Redis at 127.0.0.1:${server.port} is back.`,
    ]);
  });

  it("error: Redis that stays away ends the run after the patience it was given", async () => {
    const server = await redis();
    const outcome = losses(await open(server, [], 300));
    outcome.catch(() => {});
    await server.kill();
    await expect(outcome).rejects.toThrow(RedisGoneError);
    await expect(outcome).rejects.toThrow("run the same command again");
  });

  it("error: a worker without the data set says so, and once it has it the trial is run again", async () => {
    const server = await redis();
    const folder = newFolder();
    worker(server, folder);
    const runner = await open(server);
    await expect(losses(runner, trials.slice(0, 1))).rejects.toThrow(
      `There is no artefact ${trials[0]!.dataset} in ${folder}`,
    );
    await newTrials(folder, 1);
    expect(await losses(runner, trials.slice(0, 1))).toEqual(expected.slice(0, 1));
  });

  it("behaviour: an abort takes the waiting trials out of the queue", async () => {
    const server = await redis();
    const controller = new AbortController();
    const stopped = (await open(server)).run(trials, () => {}, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 300);
    await expect(stopped).rejects.toThrow("enough");
    const late = worker(server);
    await late.until(/Waiting for trials/);
    const [, second] = trials;
    expect(await losses(await open(server), [second!])).toEqual([expected[1]]);
    expect(late.text().match(/trial 0x\w+: loss/g)).toEqual([`trial ${trialKey(second!)}: loss`]);
  });

  it("error: no Redis, no Redis URL, or a wrong password; none is repeated in the message", async () => {
    const port = await freePort();
    const connect = (url: string) => queueRunner({ url, log: () => {} });
    await expect(connect(`redis://:secret@127.0.0.1:${port}`)).rejects.toThrow(
      `Redis at 127.0.0.1:${port} cannot be used (connect ECONNREFUSED`,
    );
    const guarded = await startRedis(port, "right");
    closing.push(() => guarded.kill());
    const wrong = await connect(`redis://:secret@127.0.0.1:${port}`).catch((error: Error) => error);
    expect(wrong).toBeInstanceOf(RedisUnreachableError);
    expect((wrong as Error).message).toMatch(/WRONGPASS|NOAUTH/);
    expect((wrong as Error).message).not.toMatch(/secret/);
    await expect(connect("http://localhost")).rejects.toThrow("it is no Redis URL");
    await expect(connect("localhost")).rejects.toThrow("this address cannot be used");
  });
});
