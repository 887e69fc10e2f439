import type { Checkpoint, PendingState } from "./store.ts";
import type { Books, Order } from "./vault.ts";

/** A decision on its way to its execution. */
export interface Pending extends Omit<PendingState, "orders"> {
  readonly orders: readonly Order[];
}

/** The state of a course as JSON holds it, and back: the same amounts to the last unit. */
export const writeBooks = ({ sequence, lastRebalanceAt, balances }: Books): Checkpoint["books"] => ({
  sequence: String(sequence),
  lastRebalanceAt,
  balances: balances.map(String),
});
export const readBooks = ({ sequence, lastRebalanceAt, balances }: Checkpoint["books"]): Books => ({
  sequence: BigInt(sequence),
  lastRebalanceAt,
  balances: balances.map(BigInt),
});
export const writePending = (pending: Pending): PendingState => ({
  ...pending,
  orders: pending.orders.map((order) => ({ ...order, amountIn: String(order.amountIn) })),
});
export const readPending = (pending: PendingState): Pending => ({
  ...pending,
  orders: pending.orders.map((order) => ({ ...order, amountIn: BigInt(order.amountIn) })),
});
