import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Feed, type FeedEvent, type Journal, openJournal, TOPICS, type Topic } from "@ballast/agent";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ARTEFACTS, decidedOf, EXECUTION, forecastOf, UID, word, writeJournal } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import { openJournalFeed } from "./journal-feed.ts";

let folder: string;
let path: string;
let writer: Journal;
let reader: Journal;
let feed: Feed;
const follow = (journal: Journal) =>
  openJournalFeed(journal, {
    pollMs: 10,
    onError: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "feed-"));
  path = join(folder, "journal.sqlite");
  writer = await writeJournal(path);
  reader = openJournal(path, { readOnly: true });
  feed = follow(reader);
});
afterEach(async () => {
  await feed.close();
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

async function take(from: Feed, after: string | undefined, count: number, topics: readonly Topic[] = TOPICS) {
  const stop = new AbortController();
  const events: FeedEvent[] = [];
  for await (const event of from.subscribe(topics, after, stop.signal)) {
    events.push(event);
    if (events.length === count) stop.abort();
  }
  return events;
}
/** 12 hours with forecast, decision and vault each; three stages more of hour 5; three decisions with a vault each. */
const ALL = 12 * 3 + 3 + 3 * 2;

describe("the events of a journal", () => {
  test("default: the whole journal from its beginning, each text the very one that its resource has", async () => {
    const app = await createApi({ journal: reader, artefacts: ARTEFACTS });
    const events = await take(feed, "0-0", ALL);
    expect(events.slice(0, 4).map(({ topic }) => topic)).toEqual([
      ...["forecasts", "decisions", "vaults", "forecasts"],
    ]);
    const items = async (url: string): Promise<string> => (await app.inject(url)).body;
    const forecasts = events.filter(({ topic }) => topic === "forecasts").map(({ data }) => data);
    expect(await items("/v1/forecasts?limit=50")).toBe(
      `{"items":[${forecasts.toReversed().join(",")}],"nextCursor":null}`,
    );
    const decisions = events.filter(({ topic }) => topic === "decisions").map(({ data }) => data);
    const page = await items("/v1/decisions?run=threshold&limit=3");
    expect(page).toBe(`{"items":[${decisions.slice(-3).toReversed().join(",")}],"nextCursor":null}`);
    const stages = decisions
      .map((data) => JSON.parse(data))
      .filter(({ hash }) => hash === decidedOf(5, true).hash);
    expect(
      stages.map(({ stage, uid, txHash, execution }) => [stage, uid, txHash, execution !== null]),
    ).toEqual([
      ["signed", null, null, false],
      ["attested", UID, null, false],
      ["submitted", UID, EXECUTION.txHash, false],
      ["executed", UID, EXECUTION.txHash, true],
    ]);
    const vault = JSON.parse(events[2]!.data);
    expect(vault).toMatchObject({
      sequence: "1",
      decisionHash: decidedOf(0, false).hash,
      holdings: [
        { asset: "USDC", weight: 0.3, target: 0.32, band: 0.05 },
        { asset: "BTC", weight: 0.7, target: 0.68, band: 1 },
      ],
    });
    await app.close();
  });

  test("behaviour: resumed after any event, the rest follows, the same for another process", async () => {
    const events = await take(feed, "0-0", ALL);
    const again = openJournal(path, { readOnly: true });
    const other = follow(again);
    for (const at of [0, 1, 2, 3, 20, ALL - 2])
      expect(await take(other, events[at]!.id, ALL - at - 1)).toEqual(events.slice(at + 1));
    expect(await take(other, events[4]!.id, 5, ["vaults"])).toEqual(
      events
        .slice(5)
        .filter(({ topic }) => topic === "vaults")
        .slice(0, 5),
    );
    for (const topic of TOPICS)
      expect(await other.latest(topic)).toEqual(events.findLast((event) => event.topic === topic));
    await other.close();
    again.close();
  });

  test("behaviour: from now on, what the writer adds arrives, also over several pages", async () => {
    const taking = take(feed, undefined, 3 * 150);
    for (let n = 100; n < 250; n++)
      writer.record("predictive", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });
    const events = await taking;
    expect(
      events.filter(({ topic }) => topic === "decisions").map(({ data }) => JSON.parse(data).hash),
    ).toEqual(Array.from({ length: 150 }, (_, i) => decidedOf(100 + i, false).hash));
  });

  test("behaviour: a writer in another process that is killed while it writes", async () => {
    const before = (await take(feed, "0-0", ALL)).at(-1)!.id;
    writer.close();
    const script = `
      import { openJournal } from "@ballast/agent";
      import { decidedOf, forecastOf } from ${JSON.stringify(new URL("../../test/fixture.ts", import.meta.url))};
      const journal = openJournal(${JSON.stringify(path)});
      for (let n = 300; ; n++) journal.record("killed", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
    });
    const live = await take(feed, before, 60);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    writer = openJournal(path);
    const count = writer.list({ run: "killed", limit: 10_000 }).items.length;
    const all = await take(feed, before, 3 * count);
    expect(all.slice(0, live.length)).toEqual(live);
    expect(new Set(all.map(({ id }) => id)).size).toBe(3 * count);
    expect(all.filter(({ topic }) => topic === "decisions").map(({ data }) => JSON.parse(data).at)).toEqual(
      writer.list({ run: "killed", limit: 10_000, order: "oldest" }).items.map(({ at }) => {
        return new Date(at).toISOString().replace(".000", "");
      }),
    );
  });

  test.each([
    ["from the future", () => "999999-1"],
    ["of no form", () => "x"],
    ["a place with another digest", (id: string) => `${id.split("-")[0]}-1`],
    ["the vault's place of a forecast", (id: string) => `3-${id.split("-")[1]}`],
  ])("error: an id %s", async (_, toId) => {
    const [first] = await take(feed, "0-0", 1);
    await expect(take(feed, toId(first!.id), 1)).rejects.toMatchObject({ code: "UNKNOWN_EVENT" });
  });

  test("error: an id of another journal, and one published by hand", async () => {
    const id = (await take(feed, "0-0", 10)).at(-1)!.id;
    const otherPath = join(folder, "other.sqlite");
    const other = openJournal(otherPath);
    for (let n = 500; n < 520; n++)
      other.record("r", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });
    const otherFeed = follow(other);
    await expect(take(otherFeed, id, 1)).rejects.toMatchObject({ code: "UNKNOWN_EVENT" });
    await expect(feed.publish("forecasts", JSON.stringify(word(1)))).rejects.toMatchObject({
      code: "FEED_UNAVAILABLE",
    });
    await otherFeed.close();
    other.close();
  });

  test("behaviour: a journal without anything yet, and the end of the feed ends what follows it", async () => {
    const empty = openJournal(join(folder, "empty.sqlite"));
    const emptyFeed = follow(empty);
    expect(await emptyFeed.latest("decisions")).toBeUndefined();
    const taking = take(emptyFeed, undefined, 2);
    empty.record("r", decidedOf(1, false), { policy: "p", forecast: undefined });
    expect((await taking).map(({ topic }) => topic)).toEqual(["decisions", "vaults"]);
    const endless = take(emptyFeed, undefined, 1);
    await emptyFeed.close();
    expect(await endless).toEqual([]);
    expect(emptyFeed.isHealthy()).toBe(false);
    empty.close();
  });
});
