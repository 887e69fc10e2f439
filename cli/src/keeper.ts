import { hostname } from "node:os";
import { openKeeperQueue, runKeeper, type Settlement } from "@ballast/agent";
import { BallastError, type Hex } from "@ballast/data";
import { parseUnits } from "ethers";
import { connect, fetchVaultDomain } from "./chain.ts";
import { unlockKeystore } from "./key.ts";
import type { Terminal } from "./terminal.ts";

export interface KeeperCommandOptions {
  readonly redis: string;
  readonly rpc: string;
  readonly vault: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly chain?: number;
  readonly attester?: string[];
  readonly group?: string;
  readonly name?: string;
  readonly maxGasGwei?: number;
  readonly silence: number;
}

export class KeeperOptionError extends BallastError {
  readonly code = "KEEPER_OPTION";
}

/** How long Redis may keep a keeper that was told to stop. */
const STOP_MS = 2_000;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** Settles published decisions until it is stopped, then ends the one it is at. */
export async function runKeeperCommand(options: KeeperCommandOptions, terminal: Terminal): Promise<void> {
  checkOptions(options);
  const { keystore, passwordFile, maxGasGwei } = options;
  const key = keystore === undefined ? undefined : await unlockKeystore({ keystore, passwordFile }, terminal);
  const provider = await connect(
    options.rpc,
    options.chain === undefined ? undefined : BigInt(options.chain),
  );
  const stop = new AbortController();
  const onSignal = () => {
    terminal.say("Stopping after this decision.");
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, onSignal);
  try {
    const vault = options.vault.toLowerCase() as Hex;
    const { chainId } = await provider.getNetwork();
    const domain = await fetchVaultDomain(provider, vault);
    const group = options.group ?? `${chainId}:${vault}${key === undefined ? ":watch" : ""}`;
    const queue = await openKeeperQueue(options.redis, group, options.name ?? hostname(), {
      silenceMs: options.silence * 1_000,
      onLost: () => terminal.say(`Redis at ${queue.address} is gone; waiting for it.`),
      onBack: () => terminal.say(`Redis at ${queue.address} is back.`),
    });
    stop.signal.addEventListener("abort", () => setTimeout(() => queue.close(), STOP_MS).unref());
    try {
      terminal.step(
        `Keeper of vault ${vault} on chain ${chainId}, group ${group} at ${queue.address}, ` +
          `${key === undefined ? "without a key: it sends nothing" : `key ${key.address}`}. Stop with Ctrl-C.`,
      );
      await runKeeper(
        queue,
        {
          provider,
          vault,
          expectedChainId: chainId,
          domain,
          keeper: key?.connect(provider),
          attesters: options.attester as readonly Hex[] | undefined,
          ...(maxGasGwei !== undefined && { maxGasPrice: parseUnits(String(maxGasGwei), "gwei") }),
        },
        ({ id }, settlement) => terminal.say(`${id}  ${describe(settlement)}`),
        stop.signal,
      );
    } finally {
      queue.close();
    }
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    provider.destroy();
  }
}

/** Errors: KeeperOptionError */
function checkOptions({ vault, attester = [], maxGasGwei }: KeeperCommandOptions): void {
  const wrong = [vault, ...attester].find((address) => !ADDRESS.test(address));
  if (wrong !== undefined)
    throw new KeeperOptionError(`${wrong} is no address; give 0x and 40 hexadecimal digits.`);
  if (maxGasGwei !== undefined && !(maxGasGwei > 0 && Number.isFinite(maxGasGwei)))
    throw new KeeperOptionError(`--max-gas-gwei ${maxGasGwei} is no positive number.`);
}

function describe(settlement: Settlement): string {
  switch (settlement.kind) {
    case "executed":
      return `${settlement.isOurs ? "executed" : "already executed"} by transaction ${settlement.execution.txHash}; decision ${settlement.hash}`;
    case "simulated":
      return `sound, and the vault would execute it; decision ${settlement.hash}`;
    case "passed over":
      return `passed over: ${settlement.why}`;
    case "expired":
      return `not executed: ${settlement.why}; decision ${settlement.hash}`;
    case "refused":
      return `refused: ${settlement.reason}`;
    case "deferred":
      return `tried again later: ${settlement.error.code}: ${settlement.error.message}; decision ${settlement.hash}`;
  }
}
