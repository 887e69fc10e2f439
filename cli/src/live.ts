import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  checkFit,
  features,
  httpNotary,
  openJournal,
  REFERENCES,
  runLoop,
  type Step,
  vaultVenue,
} from "@ballast/agent";
import { vaultAbi } from "@ballast/contracts";
import {
  BallastError,
  ccxtSource,
  connectEvm,
  DAY_MS,
  type Exogenous,
  fetchBaseFees,
  fileSource,
  type Hex,
  HOUR_MS,
  isoTime,
  type MarketSource,
  openBarStore,
  type Snapshot,
  toMarket,
  toWadNearest,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { LOOKBACK_HOURS, lookbackBars, SERIES_LOOKBACK_HOURS } from "@ballast/model";
import { Contract, type JsonRpcProvider, parseUnits, Wallet } from "ethers";
import { AgentOptionError, type AgentOptions, checkOptions } from "./agentOptions.ts";
import { connect, fetchVaultDomain } from "./chain.ts";
import { checkWritable } from "./folders.ts";
import { readForecasting, readReferences } from "./forecasting.ts";
import { unlockKeystore } from "./key.ts";
import { toPolicy } from "./policyOptions.ts";
import { createPublisher, openSharedFeed } from "./publisher.ts";
import { signing } from "./signing.ts";
import { keepSnapshot } from "./snapshots.ts";
import type { Terminal } from "./terminal.ts";
import { toWitness } from "./witness.ts";

/** Exchanges publish the last trades of a bar a few seconds after its close. */
const SETTLE_MS = 15_000;
/** Blocks between two that are dated: about an hour on Ethereum mainnet. */
const BLOCKS_PER_HOUR = 300;

/** The agent of `ballast agent`: the same loop as the demo's replay, with the world's clock, data and chain. */
export async function runAgent(options: AgentOptions, terminal: Terminal): Promise<void> {
  checkOptions(options);
  const policy = toPolicy(options, options.model === undefined ? "threshold" : "predictive");
  checkWritable(dirname(options.journal), "--journal");
  if (options.bars === undefined) checkWritable(options.store, "--store");
  const isDryRun = options.dryRun === true;
  const key = await unlockKey(options, terminal);
  const provider = await connect(
    options.rpc,
    options.chain === undefined ? undefined : BigInt(options.chain),
  );
  const stop = new AbortController();
  const onSignal = () => {
    terminal.say("Stopping after this step.");
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, onSignal);
  const closing: { close(): void | Promise<void> }[] = [];
  try {
    mkdirSync(dirname(options.journal), { recursive: true });
    const journal = openJournal(options.journal);
    closing.push(journal);
    const wallet = key.connect(provider);
    const vault = options.vault.toLowerCase() as Hex;
    const { chainId } = await provider.getNetwork();
    const domain = await fetchVaultDomain(provider, vault);
    const { etherPrice, maxGasGwei } = options;
    const forecasting = await readForecasting(options, terminal);
    const venue = await vaultVenue({
      provider,
      vault,
      tradeVenue: options.venue.toLowerCase() as Hex,
      modelId: forecasting?.scorer?.modelId,
      attestation: options.attest,
      expectedChainId: chainId,
      attester: wallet,
      keeper: wallet,
      domain,
      assets: options.assets,
      ...(etherPrice !== undefined && { fetchEtherPrice: async () => toWadNearest(etherPrice) }),
      ...(maxGasGwei !== undefined && { maxGasPrice: parseUnits(String(maxGasGwei), "gwei") }),
    });
    const { holdings } = await venue.readState();
    const held = holdings.slice(1).map(({ asset }) => asset);
    checkFit(policy, holdings);
    const clock = () => options.at ?? unixMillis(Date.now());
    const source = await openSource(options, clock);
    closing.push(source);
    const observe = await toObserver(options, source, held, provider, chainId, terminal);
    terminal.step(
      `${isDryRun ? "Dry run" : "Live"} on chain ${chainId}, vault ${vault}, holding ${held.join(", ")}; policy ${policy.name}, key ${wallet.address}.`,
    );
    const run = `${chainId}:${vault}:${policy.name}${isDryRun ? ":dry" : ""}`;
    if (options.references !== undefined)
      journal.setMeta(run, REFERENCES, readReferences(options.references));
    const publisher =
      options.redis === undefined
        ? undefined
        : createPublisher(await openSharedFeed(options.redis, terminal), journal, run, terminal);
    if (publisher !== undefined) closing.push(publisher);
    let observed: Snapshot | undefined;
    const contract = new Contract(vault, vaultAbi, provider);
    const witness =
      forecasting?.scorer &&
      toWitness(features, forecasting.scorer, (options.notary ?? []).map(httpNotary), (signer) =>
        contract.getFunction("isNotary").staticCall(signer),
      );
    await runLoop({
      run,
      ticks: hourly(options, clock, stop.signal),
      now: clock,
      observe: async (at) => {
        observed = await observe(at);
        return observed;
      },
      forecast: (snapshot) => forecasting?.forecaster(snapshot),
      witness,
      policy,
      journal,
      ...signing(domain, wallet),
      venue,
      isDryRun,
      onStep: (step) => {
        terminal.say(describeStep(step));
        publisher?.onStep(step);
        if (step.kind === "executed" || step.kind === "would-execute")
          keepSnapshot(join(dirname(options.journal), "snapshots"), observed);
        if (options.once && (step.kind === "missed" || step.kind === "rejected")) process.exitCode = 1;
      },
    });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    for (const resource of closing.reverse()) await resource.close();
    provider.destroy();
  }
}

/** A dry run needs no key of anyone's: it signs with one that nobody knows and that is gone with the process. */
async function unlockKey(options: AgentOptions, terminal: Terminal): Promise<Pick<Wallet, "connect">> {
  if (options.keystore === undefined) {
    if (options.dryRun !== true)
      throw new AgentOptionError("A live agent needs --keystore; add --dry-run to send nothing.");
    terminal.say("Dry run without --keystore: decisions are signed with a throwaway key.");
    return new Wallet(Wallet.createRandom().privateKey);
  }
  return unlockKeystore({ keystore: options.keystore, passwordFile: options.passwordFile }, terminal);
}

/** Closes of the full hours to come, each a little after it has passed; with --once the last one alone. */
async function* hourly(
  options: AgentOptions,
  clock: () => UnixMillis,
  signal: AbortSignal,
): AsyncGenerator<UnixMillis> {
  const lastHour = () => Math.floor(clock() / HOUR_MS) * HOUR_MS;
  yield unixMillis(lastHour());
  while (!options.once && !signal.aborted) {
    const next = lastHour() + HOUR_MS;
    try {
      await sleep(next + SETTLE_MS - clock(), undefined, { signal });
    } catch {
      return;
    }
    yield unixMillis(next);
  }
}

/** Bars from an exchange, kept in a store, or from files that something else keeps up to date. */
async function openSource(
  options: AgentOptions,
  clock: () => UnixMillis,
): Promise<MarketSource & { close(): void }> {
  if (options.bars !== undefined) return { ...fileSource(options.bars), close() {} };
  const { exchange, exchangeUrl: url, quote } = options;
  const store = await openBarStore(options.store);
  return { ...ccxtSource({ exchange, url, quote, store, clock }), close: () => store.close() };
}

/** Bars from the source, base fees from the chain, frozen at each bar close. */
async function toObserver(
  options: AgentOptions,
  source: MarketSource,
  assets: readonly string[],
  provider: JsonRpcProvider,
  chainId: bigint,
  terminal: Terminal,
): Promise<(at: UnixMillis) => Promise<Snapshot>> {
  const node = await connectEvm({ provider, chainId });
  return async (at) => {
    const from = unixMillis(at - LOOKBACK_HOURS * HOUR_MS - DAY_MS);
    const raw = await source.load({ assets, intervalMs: options.interval, from, to: at });
    const baseFee = await fetchHourlyBaseFees(node, at).catch((error: unknown) => {
      if (!(error instanceof BallastError)) throw error;
      terminal.say(`No base fees this hour: ${error.message}`);
      return undefined;
    });
    const { market } = toMarket(
      { ...raw, exogenous: baseFee === undefined ? raw.exogenous : [...raw.exogenous, baseFee] },
      { now: at, assets },
    );
    return market.past(at).snapshot(lookbackBars(market.intervalMs));
  };
}

/** The last base fee of each hour that the node still knows, back to where forecasts of it look and a day more. */
async function fetchHourlyBaseFees(
  node: Awaited<ReturnType<typeof connectEvm>>,
  at: UnixMillis,
): Promise<Exogenous | undefined> {
  const head = await node.block("latest");
  const fees = await fetchBaseFees(node, {
    fromBlock: Math.max(0, head.number - (SERIES_LOOKBACK_HOURS + 24) * BLOCKS_PER_HOUR),
    toBlock: head.number,
    dateEvery: BLOCKS_PER_HOUR,
  });
  const lastOfHour = new Map<number, number>();
  for (const [index, time] of fees.publishedAt.entries())
    if (time <= at) lastOfHour.set(Math.floor(time / HOUR_MS), index);
  const kept = [...lastOfHour.values()];
  if (kept.length === 0) return undefined;
  return {
    ...fees,
    publishedAt: Float64Array.from(kept, (index) => fees.publishedAt[index]!),
    value: Float64Array.from(kept, (index) => fees.value[index]!),
  };
}

function describeStep(step: Step): string {
  if (step.kind === "resumed")
    return `${isoTime(step.entry.at)}  earlier decision ${step.entry.hash} ${step.as}`;
  const time = isoTime(step.at);
  if (step.kind === "unnotarised") return `${time}  too few notaries: ${step.refusals.join("; ")}`;
  if (step.kind === "unforecast") return `${time}  no forecast: ${step.error.message}`;
  if (step.kind === "missed") return `${time}  failed: ${step.error.code}: ${step.error.message}`;
  const { decided } = step;
  const likely = `breach ${(decided.breachProbability * 100).toFixed(1)} % likely`;
  const what = {
    held: `holds (${decided.reason}), ${likely}`,
    "would-execute": `would rebalance (${decided.reason}), ${likely}, ${decided.trades.length} trades`,
    executed:
      step.kind === "executed"
        ? `rebalanced (${decided.reason}), ${likely}, attestation ${step.uid}, transaction ${step.execution.txHash}`
        : "",
    rejected: step.kind === "rejected" ? `refused by the vault: ${step.error.message}` : "",
  }[step.kind];
  return `${time}  ${what}; decision ${decided.hash}`;
}
