import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { DevnetError, postRpc, toQuantity } from "./devnet-rpc.ts";

export class AnvilMissingError extends DevnetError {
  readonly code = "ANVIL_MISSING";
  readonly path: string;
  constructor(path: string) {
    super(`no anvil at ${path}: run \`npm ci\` again, without --omit=optional`);
    this.path = path;
  }
}

export class AnvilPortBusyError extends DevnetError {
  readonly code = "PORT_BUSY";
  readonly port: number;
  constructor(port: number) {
    super(`port ${port} is taken by another process: end it or choose another port`);
    this.port = port;
  }
}

export class AnvilDiedError extends DevnetError {
  readonly code = "ANVIL_DIED";
  readonly exitCode: number | null;
  readonly lastLines: string;
  constructor(exitCode: number | null, lastLines: string) {
    super(`anvil ended with code ${exitCode} before it answered; its last lines: ${lastLines || "(none)"}`);
    this.exitCode = exitCode;
    this.lastLines = lastLines;
  }
}

export class AnvilSilentError extends DevnetError {
  readonly code = "ANVIL_SILENT";
  readonly waitedMs: number;
  constructor(waitedMs: number) {
    super(`anvil did not answer within ${waitedMs} ms: the machine is overloaded, try again`);
    this.waitedMs = waitedMs;
  }
}

/** The well-known development mnemonic. Its keys are PUBLIC: whatever they hold on a real chain is gone at once. */
export const DEV_MNEMONIC = "test test test test test test test test test test test junk";

export interface AnvilOptions {
  /** A free one is found where absent. */
  readonly port?: number | undefined;
  /** 31337 where absent. */
  readonly chainId?: number | undefined;
  /** Time of the genesis block, Unix seconds. Each later block comes one second after the one before it. */
  readonly timestamp: number;
  /** `DEV_MNEMONIC` where absent. */
  readonly mnemonic?: string | undefined;
  /** Balance of each of the ten unlocked accounts, in ether; a million where absent. */
  readonly balanceEther?: number | undefined;
  /** States of past blocks kept for reads at a block; 128 where absent. Older blocks keep their logs only. */
  readonly statesKept?: number | undefined;
  /** Path of the anvil binary; the one of the npm package where absent. */
  readonly binary?: string | undefined;
}

export interface Anvil {
  readonly rpcUrl: string;
  readonly port: number;
  readonly chainId: number;
  /** Process id of the wrapper that anvil runs under, which leads a process group of its own. */
  readonly pid: number;
  /** Ends anvil and waits until it is gone. May be called again. */
  stop(): Promise<void>;
}

/**
 * Runs anvil and ends it when its own stdin closes: the kernel closes that pipe however this process dies,
 * SIGKILL included, so no anvil is ever left behind. Ctrl-C does not reach it (see `detached`), so that the
 * parent can finish its work on a living chain.
 */
const WRAPPER = `
exec 3<&0
"$0" "$@" </dev/null & anvil=$!
( cat <&3 >/dev/null 2>&1; kill $anvil 2>/dev/null ) & watcher=$!
wait $anvil; code=$?
kill $watcher 2>/dev/null
exit $code`;

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const PORT_ATTEMPTS = 3;

const anvilBinary = (): string => {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const path = `@foundry-rs/anvil-${process.platform}-${architecture}/bin/anvil`;
  try {
    // From the wrapper package: npm may have put the platform's package below it.
    return createRequire(createRequire(import.meta.url).resolve("@foundry-rs/anvil/bin.mjs")).resolve(path);
  } catch {
    throw new AnvilMissingError(path);
  }
};

/** The port, known to be free a moment ago. */
const probePort = async (port: number): Promise<number> => {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    throw new AnvilPortBusyError(port);
  }
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, "close");
  return found;
};

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/**
 * Starts the real anvil on a loopback port and waits until it answers.
 * @throws AnvilMissingError, AnvilPortBusyError, AnvilDiedError, AnvilSilentError
 */
export const startAnvil = async (options: AnvilOptions): Promise<Anvil> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(options, await probePort(options.port ?? 0));
    } catch (error) {
      // A port of our own choosing can be snatched between the probe and the start.
      const isSnatched = error instanceof AnvilPortBusyError && options.port === undefined;
      if (!isSnatched || attempt === PORT_ATTEMPTS) throw error;
    }
  }
};

const launch = async (options: AnvilOptions, port: number): Promise<Anvil> => {
  const { chainId = 31_337, timestamp, mnemonic = DEV_MNEMONIC, binary = anvilBinary() } = options;
  const { balanceEther = 1_000_000, statesKept = 128 } = options;
  const flags = {
    "--host": "127.0.0.1",
    "--port": port,
    "--chain-id": chainId,
    "--timestamp": timestamp,
    "--mnemonic": mnemonic,
    "--balance": balanceEther,
    "--prune-history": statesKept,
    "--threads": 1,
  };
  const child = spawn("sh", ["-c", WRAPPER, binary, "--quiet", ...Object.entries(flags).flat().map(String)], {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  let lastLines = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastLines = (lastLines + text).slice(-2_000);
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("exit", () => child.stdin.destroy());
  child.stdin.on("error", () => {}); // EPIPE where anvil ended first; its exit says the same.

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      child.stdin.destroy();
      if (!isGone(child)) await once(child, "exit");
    })();
    return stopping;
  };

  const rpcUrl = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (isGone(child)) {
      await closed;
      if (/address already in use/i.test(lastLines)) throw new AnvilPortBusyError(port);
      if (child.exitCode === 127 || child.exitCode === 126) throw new AnvilMissingError(binary);
      throw new AnvilDiedError(child.exitCode, lastLines.trim());
    }
    try {
      await postRpc(rpcUrl, [{ method: "anvil_setBlockTimestampInterval", params: [1] }]);
      break;
    } catch {
      if (performance.now() > deadline) {
        await stop();
        throw new AnvilSilentError(READY_TIMEOUT_MS);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  const [answered] = await postRpc(rpcUrl, [{ method: "eth_chainId", params: [] }]);
  if (answered !== toQuantity(chainId)) {
    await stop();
    throw new AnvilPortBusyError(port);
  }
  return { rpcUrl, port, chainId, pid: child.pid ?? 0, stop };
};
