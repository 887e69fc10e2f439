import { BallastError, type Progress } from "@ballast/data";
import { runBacktests } from "../backtest.ts";
import type { Terminal } from "../terminal.ts";
import type { BacktestMessage } from "./messages.ts";

/** The code of the process that runs one backtest: `ballast backtest --config`, which is resumed and stopped as there. */
const PROGRESS_EVERY_MS = 200;

const [, , config = ""] = process.argv;
const tell = (message: BacktestMessage): void => void process.send?.(message);

/** Without the service nobody waits for this: stop as for Ctrl-C, with a checkpoint. */
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));

let last = 0;
function report({ label, done, total }: Progress): void {
  const now = performance.now();
  if (now - last < PROGRESS_EVERY_MS && done !== total) return;
  last = now;
  tell({ kind: "progress", step: label ?? "", done, total: total ?? 0 });
}
const terminal: Terminal = {
  say() {},
  step() {},
  result() {},
  track: (label, work) => work((progress) => report({ ...progress, label: progress.label || label })),
};

try {
  await runBacktests({ config }, terminal);
  tell({ kind: "done" });
} catch (error) {
  if (!(error instanceof BallastError)) throw error;
  tell({ kind: "failed", code: error.code, detail: error.message });
}
process.removeAllListeners("disconnect");
process.disconnect?.();
