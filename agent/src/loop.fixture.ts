import { BallastError, type Hex, HOUR_MS, keccak, type Snapshot, type UnixMillis } from "@ballast/data";
import { stateWith, toWad } from "../test/fixture.ts";
import type { Execution, VaultState } from "./types.ts";
import type { Executable, Venue } from "./venue.ts";

export const hashOf = (text: string): Hex => keccak(new TextEncoder().encode(text));
export const snapshotAt = (at: UnixMillis): Snapshot => ({
  at,
  intervalMs: HOUR_MS,
  assets: ["BTC", "ETH"],
  bars: [],
  exogenous: [],
  root: hashOf(`snapshot ${at}`),
});

export class Refusal extends BallastError {
  readonly code = "VAULT_REJECTION";
}
class TooDear extends BallastError {
  readonly code = "GAS_PRICE";
}
export class Unreachable extends BallastError {
  readonly code = "NODE";
}
/** What ends a process without a word: not a BallastError. */
export class Killed extends Error {}

/**
 * A vault and its chain in memory: outside its band until the first execution, one execution per sequence, and none of a
 * decision that is not worth the gas.
 */
export function venueInMemory(
  first: VaultState = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }),
  { isOnchain = true } = {},
) {
  let state = first;
  const executedWith: object[] = [];
  const executions = new Map<Hex, Execution>();
  const attested = new Map<Hex, Hex>();
  const cancelled: Hex[] = [];
  const calls: string[] = [];
  let fault: { readonly at: string; readonly error: Error } | undefined;
  const pass = (point: string) => {
    calls.push(point);
    if (fault?.at === point) {
      const { error } = fault;
      fault = undefined;
      throw error;
    }
  };
  const venue: Venue = {
    async readState() {
      pass("readState");
      return state;
    },
    async attest({ hash }: Executable) {
      if (!isOnchain) return undefined;
      pass("before attest");
      const isNew = !attested.has(hash);
      const uid = attested.get(hash) ?? hashOf(`uid ${hash}`);
      attested.set(hash, uid);
      pass("after attest");
      return { uid, gasUsed: isNew ? 200_000n : 0n };
    },
    async execute({ decision, hash, trades, market, numbers }, uid, onSubmitted) {
      executedWith.push({ uid, market });
      pass("before submit");
      const earlier = executions.get(hash);
      if (earlier !== undefined) {
        onSubmitted(earlier.txHash);
        return earlier;
      }
      if (decision.sequence !== state.sequence + 1n)
        throw new Refusal(`sequence ${decision.sequence} is not next`);
      if (Number(state.gasPrice) / 1e9 > (numbers?.highestGasGwei ?? Number.POSITIVE_INFINITY))
        throw new TooDear(`gas at ${state.gasPrice} is not worth it`);
      const txHash = hashOf(`tx ${hash}`);
      onSubmitted(txHash);
      pass("after submit");
      const execution = {
        txHash,
        blockNumber: 7,
        gasUsed: 400_000n,
        gasPrice: 1n,
        amountsOut: trades.map((t) => t.minAmountOut),
        minedAt: decision.decidedAt + 12n,
        navBefore: toWad(1_000_000),
        navAfter: toWad(999_900),
      };
      executions.set(hash, execution);
      state = { ...stateWith({ USDC: 1 / 3, BTC: 1 / 3, ETH: 1 / 3 }), sequence: decision.sequence };
      pass("after execute");
      return execution;
    },
    async cancel(txHash) {
      cancelled.push(txHash);
      pass("cancel");
    },
    async findExecution({ hash }) {
      return executions.get(hash);
    },
  };
  return {
    venue,
    executions,
    executedWith,
    cancelled,
    calls,
    setGas(gwei: number) {
      state = { ...state, gasPrice: BigInt(gwei) * 10n ** 9n };
    },
    breakAt: (at: string, error: Error) => (fault = { at, error }),
  };
}
