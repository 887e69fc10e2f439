import { TOPICS } from "../src/feed/feed.ts";
import { openRedisFeed } from "../src/feed/redis-feed.ts";

/** Another process on the feed: publishes as many events as it is told, and prints the ids of all that it sees. */
const [url, publishes, expects] = process.argv.slice(2);
const feed = await openRedisFeed(url!);
const events = feed.subscribe(TOPICS, "0-0", new AbortController().signal);
console.log("ready");
const publishing = (async () => {
  for (let k = 0; k < Number(publishes); k++) await feed.publish("vaults", `${process.pid}:${k}`);
})();
const seen: string[] = [];
for await (const { id, data } of events) if (seen.push(`${id} ${data}`) === Number(expects)) break;
await publishing;
console.log(JSON.stringify(seen));
await feed.close();
