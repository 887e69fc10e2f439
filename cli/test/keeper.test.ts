import { join } from "node:path";
import { createKeystore, openJournal } from "@ballast/agent";
import { DECISION_SCHEMA } from "@ballast/attest";
import { type Checkpoint, type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import { type Hex, HOUR_MS, syntheticSource, unixMillis } from "@ballast/data";
import { Interface } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expectRefused, newFolder, type Running, run, start, writeBars } from "./child.ts";
import { hasRedis, startRedis } from "./redis.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
if (!hasRedis) console.log("redis-server is not installed: keepers of published decisions are left out");

const PERCENT = 10n ** 16n;
const PASSWORD = "correct horse battery staple";
const REDIS_PASSWORD = "hunter2";
const HOURS = 1_000;
const START = Date.UTC(2023, 0, 1);
const AT = START + HOURS * HOUR_MS;
const home = newFolder();

let devnet: Devnet;
let untouched: Checkpoint;
let bars: string;
beforeAll(async () => {
  const source = syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  const { series } = await source.load({});
  bars = writeBars(join(home, "bars"), series);
  const prices = series.map(({ bars: { close } }) => close.at(-1)!);
  const asset = { targetWeight: 33n * PERCENT, band: 2n * PERCENT, poolFee: 500 };
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      // Bitcoin has risen by a quarter since the vault was filled: its weight is above the band.
      { ...asset, symbol: "WBTC", decimals: 8, price: prices[0]! / 1.25 },
      { ...asset, symbol: "WETH", decimals: 18, price: prices[1]! },
    ],
    baseTargetWeight: 34n * PERCENT,
    baseBand: 2n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: AT / 1000,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 4_000,
    },
  });
  await devnet.setMarket({ time: AT / 1000, prices, baseFeeWei: 20_000_000_000n });
  untouched = await devnet.checkpoint();
  for (const name of ["attester", "keeper", "stranger"] as const)
    await createKeystore(join(home, `${name}.json`), devnet.keys[name] as Hex, PASSWORD, 1_024);
});
afterAll(() => devnet?.stop());

const closing: (() => void)[] = [];
const spoken: Running[] = [];
beforeEach(() => devnet.restore(untouched));
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const vaultArgs = () => ["--rpc", devnet.rpcUrl, "--vault", devnet.addresses.vault];
/** The agent's step at the market's last hour: it signs, and leaves the rest to keepers. */
const publish = (redis: string, journal: string, signer = "attester") =>
  run(
    home,
    [
      ...["agent", ...vaultArgs(), "--venue", devnet.addresses.venue, "--bars", bars, "--once"],
      ...["--at", new Date(AT).toISOString(), "--keystore", `${signer}.json`, "--dry-run"],
      ...["--journal", journal],
    ],
    { BALLAST_PASSWORD: PASSWORD, BALLAST_REDIS: redis },
  );
function keeper(redis: string, name: string, ...args: string[]): Running {
  const running = start(
    home,
    ["keeper", ...vaultArgs(), "--keystore", `${name}.json`, "--name", name, "--silence", "1", ...args],
    { BALLAST_PASSWORD: PASSWORD, BALLAST_REDIS: redis },
  );
  closing.push(() => running.child.kill("SIGKILL"));
  spoken.push(running);
  return running;
}
async function redis(): Promise<string> {
  const { url, stop } = await startRedis(REDIS_PASSWORD);
  closing.push(stop);
  return url;
}
async function executions(): Promise<string[]> {
  const topic = new Interface(vaultAbi).getEvent("Rebalanced")!.topicHash;
  const { vault } = devnet.addresses;
  const logs = await devnet.provider.getLogs({ address: vault, topics: [topic], fromBlock: 0 });
  return logs.map(({ transactionHash }) => transactionHash);
}

describe.skipIf(!hasRedis)("ballast keeper", () => {
  it("default: an agent signs, two keepers in a race carry it out once, and an API shows it", async () => {
    const url = await redis();
    const keepers = [keeper(url, "keeper", "--group", "a"), keeper(url, "stranger", "--group", "b")];
    for (const { until } of keepers)
      await until(
        "stderr",
        /Keeper of vault 0x[0-9a-f]{40} on chain 31337, group . at 127\.0\.0\.1:\d+, key 0x/,
      );
    const { stderr, status } = await publish(url, "published.sqlite");
    expect(stderr).toMatch(/would rebalance \(breach\)/);
    expect(status).toBe(0);
    const lines = await Promise.all(
      keepers.map(({ until }) =>
        until("stderr", /executed by transaction (0x[0-9a-f]{64}); decision (0x\w+)/),
      ),
    );
    expect(new Set(lines.map(([, transaction]) => transaction))).toEqual(new Set(await executions()));
    expect(await executions()).toHaveLength(1);
    const journal = openJournal(join(home, "published.sqlite"), { readOnly: true });
    const [entry] = journal.list({ limit: 1 }).items;
    journal.close();
    expect(lines[0]![2]).toBe(entry!.hash);
    expect(
      keepers.map(({ text }) => /already executed/.test(text.stderr)).filter(Boolean).length,
    ).toBeLessThan(2);

    const api = start(home, ["serve", "--journal", "published.sqlite", "--port", "0"], {
      BALLAST_REDIS: url,
    });
    closing.push(() => api.child.kill("SIGKILL"));
    const [, address] = await api.until("stderr", /(http:\/\/127\.0\.0\.1:\d+)\/v1\/stream/);
    const stop = new AbortController();
    const answer = await fetch(`${address}/v1/stream?topics=decisions,vaults&after=0-0`, {
      signal: stop.signal,
    });
    let text = "";
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (/event: vaults[\s\S]*\n\n/.test(text)) break;
    }
    stop.abort();
    const shown = (await (await fetch(`${address}/v1/decisions?limit=1`)).json()) as { items: unknown[] };
    const data = /event: decisions\n(?:id: .*\n)?data: (.*)\n/.exec(
      text.replace(/(id: .*\n)(event: .*\n)/g, "$2$1"),
    );
    expect(JSON.parse(data![1]!)).toEqual(shown.items[0]);
    expect(text).not.toMatch(/evidence/);
    for (const { text: said } of [...spoken, api])
      expect(said.stderr + said.stdout).not.toContain(REDIS_PASSWORD);
  });

  it("behaviour: killed and started again it goes on, and what is forged is refused with the reason", async () => {
    const url = await redis();
    expect((await publish(url, "forged.sqlite", "stranger")).status).toBe(0);
    const first = keeper(url, "keeper");
    await first.until("stderr", /refused: attester: 0x\w+ is not allowed to sign/);
    first.child.kill("SIGKILL");
    await first.ended;
    expect((await publish(url, "good.sqlite")).status).toBe(0);
    const second = keeper(url, "keeper");
    await second.until("stderr", / executed by transaction 0x/);
    second.child.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ status: 0 });
    expect(second.text.stderr).not.toMatch(/refused/);
    expect(await executions()).toHaveLength(1);
  });

  it("error: no Redis, no address, no node, and the password of none is shown", async () => {
    const good = ["--redis", `redis://:${REDIS_PASSWORD}@127.0.0.1:9`, ...vaultArgs()];
    const table: readonly (readonly [readonly string[], RegExp])[] = [
      [good, /^REDIS_UNREACHABLE: Redis at 127\.0\.0\.1:9 cannot be used/m],
      [[...good, "--redis", `http://:${REDIS_PASSWORD}@x`], /^REDIS_UNREACHABLE: Redis at x .*no Redis URL/m],
      [[...good, "--vault", "vault.eth"], /^KEEPER_OPTION: vault\.eth is no address/m],
      [[...good, "--attester", "0x1"], /^KEEPER_OPTION: 0x1 is no address/m],
      [[...good, "--max-gas-gwei", "-1"], /^KEEPER_OPTION: --max-gas-gwei -1/m],
      [[...good, "--rpc", "http://127.0.0.1:9"], /^RPC_UNREACHABLE: 127\.0\.0\.1:9/m],
      [[...good, "--chain", "1"], /^WRONG_CHAIN: /m],
      [[...good, "--vault", `0x${"12".repeat(20)}`], /^VAULT_NOT_FOUND: /m],
    ];
    for (const [args, message] of table) {
      const ended = await run(home, ["keeper", ...args]);
      expectRefused(ended, message);
      expect(ended.stderr).not.toContain(REDIS_PASSWORD);
    }
    expectRefused(await run(home, ["keeper", ...vaultArgs()]), /required option '--redis <url>'/, 2);
  });
});
