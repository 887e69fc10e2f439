import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  openJournal,
  type Policy,
  predictivePolicy,
  readKeystore,
  runLoop,
  type Step,
  thresholdPolicy,
  vaultVenue,
} from "@ballast/agent";
import { signDecision } from "@ballast/attest";
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
  openArtefactStore,
  openBarStore,
  type Snapshot,
  toMarket,
  toWadNearest,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import {
  type Forecaster,
  LOOKBACK_HOURS,
  lookbackBars,
  readModel,
  SERIES_LOOKBACK_HOURS,
  toForecaster,
} from "@ballast/model";
import { type JsonRpcProvider, parseUnits, Wallet } from "ethers";
import { connect, fetchVaultDomain } from "./chain.ts";
import { describeExpiry, readChampion, untilExpiry } from "./champion.ts";
import { checkWritable } from "./folders.ts";
import type { Terminal } from "./terminal.ts";

export interface AgentOptions {
  readonly rpc: string;
  readonly vault: string;
  readonly chain?: number;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly dryRun?: boolean;
  readonly model?: string;
  readonly artefacts: string;
  readonly policy?: "predictive" | "threshold";
  readonly exchange: string;
  readonly exchangeUrl?: string;
  readonly quote: string;
  readonly store: string;
  readonly bars?: string;
  readonly assets?: string[];
  readonly interval: number;
  readonly etherPrice?: number;
  readonly maxGasGwei?: number;
  readonly journal: string;
  readonly once?: boolean;
  readonly at?: UnixMillis;
}

export class AgentOptionError extends BallastError {
  readonly code = "AGENT_OPTION";
}

/** Exchanges publish the last trades of a bar a few seconds after its close. */
const SETTLE_MS = 15_000;
/** Blocks between two that are dated: about an hour on Ethereum mainnet. */
const BLOCKS_PER_HOUR = 300;

/** The agent of `ballast agent`: the same loop as the demo's replay, with the world's clock, data and chain. */
export async function runAgent(options: AgentOptions, terminal: Terminal): Promise<void> {
  checkOptions(options);
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
  const closing: { close(): void }[] = [];
  try {
    mkdirSync(dirname(options.journal), { recursive: true });
    const journal = openJournal(options.journal);
    closing.push(journal);
    const wallet = key.connect(provider);
    const vault = options.vault.toLowerCase() as Hex;
    const { chainId } = await provider.getNetwork();
    const domain = await fetchVaultDomain(provider, vault);
    const { etherPrice, maxGasGwei } = options;
    const venue = await vaultVenue({
      provider,
      vault,
      expectedChainId: chainId,
      attester: wallet,
      keeper: wallet,
      domain,
      assets: options.assets,
      ...(etherPrice !== undefined && { fetchEtherPrice: async () => toWadNearest(etherPrice) }),
      ...(maxGasGwei !== undefined && { maxGasPrice: parseUnits(String(maxGasGwei), "gwei") }),
    });
    const held = (await venue.readState()).holdings.slice(1).map(({ asset }) => asset);
    const forecaster = await readForecaster(options, terminal);
    const policy = toPolicy(options);
    const clock = () => options.at ?? unixMillis(Date.now());
    const source = await openSource(options, clock);
    closing.push(source);
    const observe = await toObserver(options, source, held, provider, chainId, terminal);
    terminal.step(
      `${isDryRun ? "Dry run" : "Live"} on chain ${chainId}, vault ${vault}, holding ${held.join(", ")}; policy ${policy.name}, key ${wallet.address}.`,
    );
    await runLoop({
      run: `${chainId}:${vault}:${policy.name}${isDryRun ? ":dry" : ""}`,
      ticks: hourly(options, clock, stop.signal),
      now: clock,
      observe,
      forecast: (snapshot) => forecaster?.(snapshot),
      policy,
      journal,
      sign: async (decision) => {
        const { json, uid } = await signDecision({ ...domain, decision, signer: wallet });
        return { offchainAttestation: json, offchainUid: uid };
      },
      venue,
      isDryRun,
      onStep: (step) => {
        terminal.say(describeStep(step));
        if (options.once && (step.kind === "missed" || step.kind === "rejected")) process.exitCode = 1;
      },
    });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    for (const resource of closing.reverse()) resource.close();
    provider.destroy();
  }
}

function checkOptions(options: AgentOptions): void {
  if (options.at !== undefined && !options.once)
    throw new AgentOptionError("--at goes with --once: it decides at that one hour.");
  if (options.policy === "predictive" && options.model === undefined)
    throw new AgentOptionError("--policy predictive needs --model; train one with `ballast train`.");
  if (!/^0x[0-9a-fA-F]{40}$/.test(options.vault))
    throw new AgentOptionError(`--vault ${options.vault} is no address; give 0x and 40 hexadecimal digits.`);
  for (const name of ["etherPrice", "maxGasGwei"] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw new AgentOptionError(
        `--${name === "etherPrice" ? "ether-price" : "max-gas-gwei"} ${value} is no positive number.`,
      );
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
  const password =
    options.passwordFile === undefined ? process.env.BALLAST_PASSWORD : readPassword(options.passwordFile);
  if (password === undefined)
    throw new AgentOptionError(
      "The keystore's password is missing: set BALLAST_PASSWORD or give --password-file.",
    );
  const { wallet, warnings } = await readKeystore(options.keystore, password);
  for (const warning of warnings) terminal.say(warning);
  return wallet;
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new AgentOptionError(
      `--password-file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); give a file this user may read.`,
    );
  }
}

async function readForecaster(
  { model, artefacts, at }: AgentOptions,
  terminal: Terminal,
): Promise<Forecaster | undefined> {
  if (model === undefined) {
    terminal.say("No --model: the threshold rule decides, without a forecast.");
    return undefined;
  }
  const champion = model === "champion" ? await readChampion(artefacts) : undefined;
  if (champion !== undefined) terminal.say(describeExpiry(champion, at ?? Date.now()));
  const store = await openArtefactStore(artefacts);
  try {
    const forecaster = toForecaster(readModel(await store.get(champion?.modelId ?? (model as Hex))));
    return champion === undefined ? forecaster : untilExpiry(forecaster, champion);
  } finally {
    store.close();
  }
}

function toPolicy({ policy, model }: AgentOptions): Policy {
  return (policy ?? (model === undefined ? "threshold" : "predictive")) === "predictive"
    ? predictivePolicy()
    : thresholdPolicy();
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
