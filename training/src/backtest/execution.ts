/** What one swap of an asset against the base asset costs, dollars, each from 0. */
export interface SwapCosts {
  readonly fee: number;
  readonly spread: number;
  readonly impact: number;
  readonly mev: number;
}
export interface Execution {
  readonly name: string;
  /** `dollars` > 0 buys the asset, < 0 sells it. Throws TradeExceedsPoolError. Pure. */
  swapCosts(asset: string, dollars: number, price: number, at: number): SwapCosts;
  /** Gas units of one rebalance with so many swaps, and of its attestation. */
  gasUnits(swaps: number): { readonly rebalance: number; readonly attestation: number };
}
