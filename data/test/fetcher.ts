/**
 * A process of its own that fetches BTC into a store: `node fetcher.ts <url> <folder> <from> <to>`. Prints how many
 * bars are acknowledged after each page, so that a test can kill it in the middle.
 */
import { ccxtSource } from "../src/sources/ccxt.ts";
import { openBarStore } from "../src/store.ts";
import { unixMillis } from "../src/units.ts";

const [url, folder, from, to] = process.argv.slice(2) as [string, string, string, string];
const store = await openBarStore(folder);
const source = ccxtSource({
  exchange: "binance",
  clock: () => unixMillis(Number(to)),
  store,
  client: { urls: { api: { public: `${url}/api/v3` } }, rateLimit: 1 },
});
let already = 0;
for (const key of await store.list()) already += (await store.read(key)).series[0]?.time.length ?? 0;
await source.load({
  assets: ["BTC"],
  from: unixMillis(Number(from)),
  to: unixMillis(Number(to)),
  onProgress: ({ done, total }) => {
    if (total !== undefined) process.stdout.write(`${already + done}\n`);
  },
});
store.close();
