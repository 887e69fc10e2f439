/** What the process that runs one backtest tells the one that started it. */
export type BacktestMessage =
  | { readonly kind: "progress"; readonly step: string; readonly done: number; readonly total: number }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly code: string; readonly detail: string };
