import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createKeystore, openJournal, vaultVenue } from "@ballast/agent";
import { DECISION_SCHEMA, fetchEasDomain } from "@ballast/attest";
import { type Checkpoint, type Devnet, startDevnet } from "@ballast/contracts";
import { HOUR_MS, syntheticSource, unixMillis } from "@ballast/data";
import { Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expectRefused, lastJson, newFolder, run, writeBars } from "./child.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PERCENT = 10n ** 16n;
const PASSWORD = "correct horse battery staple";
const HOURS = 1_000;
const START = Date.UTC(2023, 0, 1);
const AT = START + HOURS * HOUR_MS;
const at = new Date(AT).toISOString();
const home = newFolder();
const poor = Wallet.createRandom();

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
  const keys = { attester: devnet.keys.attester, stranger: devnet.keys.stranger, poor: poor.privateKey };
  for (const [name, key] of Object.entries(keys))
    await createKeystore(join(home, `${name}.json`), key as `0x${string}`, PASSWORD, 1_024);
});
afterAll(() => devnet?.stop());

const agent = (args: readonly string[], env: NodeJS.ProcessEnv = { BALLAST_PASSWORD: PASSWORD }) =>
  run(
    home,
    [
      "agent",
      ...["--rpc", devnet.rpcUrl, "--vault", devnet.addresses.vault, "--venue", devnet.addresses.venue],
      ...["--bars", bars, "--once", "--at", at, ...args],
    ],
    env,
  );
const live = (name: string, ...args: string[]) =>
  agent(["--keystore", `${name}.json`, "--journal", `${name}.sqlite`, ...args]);
const nonceOf = (name: "attester" | "stranger") =>
  devnet.provider.getTransactionCount(new Wallet(devnet.keys[name]).address);

/** Sequence and balances of the vault, read by the room that the agent reads it with. */
async function readVault() {
  const key = new Wallet(devnet.keys.keeper, devnet.provider);
  const venue = await vaultVenue({
    provider: devnet.provider,
    vault: devnet.addresses.vault,
    expectedChainId: 31337n,
    attester: key,
    keeper: key,
    domain: await fetchEasDomain(devnet.provider, devnet.addresses.eas, devnet.schemaUid),
    tradeVenue: devnet.addresses.venue,
  });
  const { sequence, holdings } = await venue.readState();
  return { sequence, balances: holdings.map(({ balance }) => balance) };
}

function entriesOf(file: string) {
  const journal = openJournal(resolve(home, file), { readOnly: true });
  try {
    return journal.list({ order: "oldest", limit: 100 }).items;
  } finally {
    journal.close();
  }
}

describe("agent, refused before it decides", () => {
  const table: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["the wrong chain", ["--chain", "1", "--dry-run"], /^WRONG_CHAIN: .*chain 31337, .*chain 1 /m],
    ["no node", ["--rpc", "http://127.0.0.1:9", "--dry-run"], /^RPC_UNREACHABLE: 127\.0\.0\.1:9 /m],
    [
      "no vault there",
      ["--vault", `0x${"12".repeat(20)}`, "--dry-run"],
      /^VAULT_NOT_FOUND: .*0x1212.* chain 31337/m,
    ],
    ["no address", ["--vault", "vault.eth", "--dry-run"], /^AGENT_OPTION: --vault vault\.eth/m],
    ["no address of a venue", ["--venue", "uniswap", "--dry-run"], /^AGENT_OPTION: --venue uniswap/m],
    [
      "a venue the vault does not trade at",
      ["--venue", `0x${"12".repeat(20)}`, "--dry-run"],
      /^VENUE_NOT_ALLOWED: .*0x1212.*setVenue/m,
    ],
    ["no keystore for a live agent", [], /^AGENT_OPTION: .*--keystore.*--dry-run/m],
    ["a missing keystore", ["--keystore", "lost.json"], /^KEYSTORE_MISSING: .*lost\.json/m],
    [
      "a missing password file",
      ["--keystore", "poor.json", "--password-file", "lost.txt"],
      /^PASSWORD_MISSING: --password-file lost\.txt cannot be read \(ENOENT\)/m,
    ],
    [
      "a model that is not in the store",
      ["--model", `0x${"ab".repeat(32)}`, "--dry-run"],
      /^ARTEFACT_MISSING: .*0xabab/m,
    ],
    [
      "references that are not there",
      ["--references", "lost.json", "--dry-run"],
      /^AGENT_OPTION: --references lost\.json cannot be read \(ENOENT\)/m,
    ],
    [
      "a policy that nobody knows",
      ["--policy", "guess", "--dry-run"],
      /^UNKNOWN_POLICY: policy guess is none of constant-mix, threshold, /m,
    ],
    [
      "a parameter out of its range",
      ["--policy", "calendar", "--policy-set", "everyHours=0", "--dry-run"],
      /^POLICY_PARAMETER: everyHours of policy calendar is 0; give a whole number from 1 to 8760/m,
    ],
    [
      "a trigger wider than a target",
      ["--policy", "threshold", "--policy-set", "width=absolute,size=0.4", "--dry-run"],
      /^POLICY_PARAMETER: size of policy threshold is 0\.4; the trigger of USDC, .* overlaps a weight of zero/m,
    ],
    [
      "looks that would come too late",
      ["--policy", "patient", "--relook", "40", "--dry-run"],
      /^AGENT_OPTION: --relook 40 .*from 0\.5 to 25/m,
    ],
    ["a policy without its model", ["--policy", "predictive", "--dry-run"], /^AGENT_OPTION: .*--model/m],
  ];
  it.concurrent.each(table)("error: %s", async (_, args, message) => {
    const journal = join(newFolder(), "journal.sqlite");
    expectRefused(await agent([...args, "--journal", journal]), message);
    if (existsSync(journal)) expect(entriesOf(journal)).toEqual([]);
  });

  it("error: a wrong password and none, and neither the password nor the key is shown", async () => {
    const wrong = await agent(["--keystore", "attester.json"], { BALLAST_PASSWORD: "hunter2 hunter2" });
    expectRefused(wrong, /^WRONG_PASSWORD: .*attester\.json/m);
    expect(wrong.stderr).not.toContain("hunter2");
    const none = await agent(["--keystore", "attester.json"], {});
    expectRefused(none, /^PASSWORD_MISSING: .*BALLAST_PASSWORD/m);
    writeFileSync(join(home, "password.txt"), "wrong\n");
    const file = await agent(["--keystore", "attester.json", "--password-file", "password.txt"]);
    expectRefused(file, /^WRONG_PASSWORD: /m);
  });

  it("error: options that do not go together are misuse", async () => {
    expectRefused(await run(home, ["agent", "--vault", "0x1"]), /required option '--rpc <url>'/, 2);
  });
});

describe("agent", () => {
  beforeEach(() => devnet.restore(untouched));

  it("default: a dry run says what it would do and sends nothing", async () => {
    const [before, nonce] = [await readVault(), await nonceOf("attester")];
    const { status, stderr } = await agent([
      ...["--dry-run", "--keystore", "attester.json", "--journal", "dry.sqlite"],
    ]);
    expect(stderr).toMatch(
      /Dry run on chain 31337, vault 0x[0-9a-f]{40}, holding BTC, ETH; policy threshold/,
    );
    expect(stderr).toMatch(
      /2023-02-11T16:00:00Z {2}would rebalance \(breach\), .* trades; decision 0x[0-9a-f]{64}\n/,
    );
    expect(status).toBe(0);
    expect([await readVault(), await nonceOf("attester")]).toEqual([before, nonce]);
    expect(entriesOf("dry.sqlite")).toMatchObject([{ stage: "signed", reason: "breach", uid: undefined }]);
  });

  it("error: a key without ether: nothing is sent, and the decision stays as signed", async () => {
    const before = await readVault();
    const { status, stderr } = await live("poor", "--attest", "onchain");
    expect(stderr).toMatch(
      new RegExp(`failed: UNFUNDED_KEY: ${poor.address} holds 0\\.0 ether.* send it at least`),
    );
    expect(status).toBe(1);
    expect(await readVault()).toEqual(before);
    expect(entriesOf("poor.sqlite")).toMatchObject([{ stage: "signed", uid: undefined, txHash: undefined }]);
  });

  it("error: a foreign attestation: the vault refuses, whole, and the journal says why", async () => {
    const before = await readVault();
    const { status, stderr } = await live("stranger");
    const { address } = new Wallet(devnet.keys.stranger);
    expect(stderr).toContain(
      `refused by the vault: the vault refused (AttesterNotAllowed): ${address} is not`,
    );
    expect(status).toBe(1);
    expect(await readVault()).toEqual(before);
    expect(entriesOf("stranger.sqlite")).toMatchObject([
      { stage: "rejected", rejection: { code: "VAULT_REJECTION" }, execution: undefined },
    ]);
  });

  it("error: a decision that has expired by the chain's clock is not executed", async () => {
    const before = await readVault();
    const early = new Date(AT - 3 * HOUR_MS).toISOString();
    const { status, stderr } = await live("attester", "--at", early, "--journal", "early.sqlite");
    expect(stderr).toMatch(/refused by the vault: the vault refused \(Decision(Expired|TooOld)\)/);
    expect(status).toBe(1);
    expect(await readVault()).toEqual(before);
    expect(entriesOf("early.sqlite")).toMatchObject([{ stage: "rejected", uid: undefined }]);
  });

  it("default: live, it executes the very decision of the dry run, and once only", async () => {
    const before = await readVault();
    const { status, stderr } = await live("attester", "--chain", "31337");
    expect(stderr).toMatch(
      /rebalanced \(breach\), .* attestation 0x[0-9a-f]{64}, transaction 0x[0-9a-f]{64}/,
    );
    expect(status).toBe(0);
    const [entry, ...others] = entriesOf("attester.sqlite");
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ stage: "executed", hash: entriesOf("dry.sqlite")[0]?.hash });
    const after = await readVault();
    expect(after.sequence).toBe(before.sequence + 1n);
    expect(after.balances[1]).toBeLessThan(before.balances[1]!);
    const receipt = await devnet.provider.getTransactionReceipt(entry!.txHash!);
    expect(receipt).toMatchObject({ status: 1, to: devnet.addresses.vault });

    const nonce = await nonceOf("attester");
    const again = await live("attester");
    expect(again.stderr).toMatch(/holds \((cooldown|inside-band)\)/);
    expect([again.status, await readVault(), await nonceOf("attester")]).toEqual([0, after, nonce]);
  });

  it("default: by its transaction alone, a stranger reads the decision from the chain and follows it", async () => {
    await live(
      ...["attester", "--journal", "followed.sqlite"],
      ...["--policy", "trigger-surface", "--policy-set", "size=0.9,keep=0.2"],
    );
    const [entry] = entriesOf("followed.sqlite");
    const { txHash, hash, offchainUid, decision } = entry!;
    const rpc = ["--rpc", devnet.rpcUrl, "--json"];
    const byTransaction = await run(home, ["verify", txHash!, ...rpc]);
    const found = lastJson(byTransaction);
    expect(found).toMatchObject({ isValid: true, isCheckedOnChain: true });
    expect(found.onchain.map(({ name }: { name: string }) => name)).toContain("execution");
    const open = found.links.filter(({ status }: { status: string }) => status === "not checked");
    expect(open.map(({ name }: { name: string }) => name)).toEqual(["data", "state", "policy"]);
    // By the decision's hash or its attestation's UID, where the vault is named.
    for (const subject of [hash, offchainUid!]) {
      const vault = ["--vault", devnet.addresses.vault];
      expect(lastJson(await run(home, ["verify", subject, ...vault, ...rpc]))).toMatchObject({
        isValid: true,
      });
    }
    // With the evidence and the market, everything.
    const snapshot = join(home, "snapshots", `${decision.inputRoot}.snapshot`);
    const whole = await run(home, [
      ...["verify", hash, "--journal", "followed.sqlite", "--snapshot", snapshot, "--bars", bars],
      ...rpc,
    ]);
    const { isValid, links } = lastJson(whole);
    expect(links.filter(({ status }: { status: string }) => status !== "pass")).toEqual([]);
    expect([isValid, whole.status]).toEqual([true, 0]);
    expectRefused(
      await run(home, [
        "verify",
        (await devnet.provider.getBlock(1))!.transactions[0]!,
        "--rpc",
        devnet.rpcUrl,
      ]),
      /^NOT_A_REBALANCE_CALL: /m,
    );
  });

  it("behaviour: on chain, the attestation comes first and the vault reads it there", async () => {
    const nonce = await nonceOf("attester");
    const { status } = await live("attester", "--attest", "onchain", "--journal", "onchain.sqlite");
    expect([status, await nonceOf("attester")]).toEqual([0, nonce + 2]);
    const [{ uid, txHash, stage }] = entriesOf("onchain.sqlite") as [ReturnType<typeof entriesOf>[number]];
    expect([stage, typeof uid]).toEqual(["executed", "string"]);
    for (const subject of [txHash!, uid!]) {
      const args = ["verify", subject, "--rpc", devnet.rpcUrl, "--vault", devnet.addresses.vault, "--json"];
      const found = lastJson(await run(home, args));
      expect(found).toMatchObject({ isValid: true, offchain: [] });
      expect(found.onchain.map(({ name }: { name: string }) => name)).toContain("not-revoked");
    }
  });
});
