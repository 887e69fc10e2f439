import { Command, CommanderError } from "commander";
import { agentCommand } from "./commands/agent.ts";
import { backtestCommand } from "./commands/backtest.ts";
import { compareCommand } from "./commands/compare.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { fetchCommand } from "./commands/fetch.ts";
import { keeperCommand } from "./commands/keeper.ts";
import { modelsCommand } from "./commands/models.ts";
import { notaryCommand } from "./commands/notary.ts";
import { policiesCommand } from "./commands/policies.ts";
import { serveCommand } from "./commands/serve.ts";
import { sweepCommand } from "./commands/sweep.ts";
import { trainCommand } from "./commands/train.ts";
import { verifyCommand } from "./commands/verify.ts";
import { workerCommand } from "./commands/worker.ts";

/** Exit status of a failure the message explains; misuse of the command line has 2, as in a shell. */
const FAILED = 1;
const MISUSED = 2;
/** 128 and the number of SIGINT, as shells have it. */
const INTERRUPTED = 130;

export function createProgram(): Command {
  const program = new Command("ballast")
    .description("Keeps a portfolio on its target weights and acts before a weight leaves its band.")
    .showHelpAfterError("(--help shows the options and an example)")
    .exitOverride();
  for (const command of [
    demoCommand,
    fetchCommand,
    trainCommand,
    modelsCommand,
    sweepCommand,
    workerCommand,
    backtestCommand,
    compareCommand,
    agentCommand,
    keeperCommand,
    policiesCommand,
    notaryCommand,
    serveCommand,
    verifyCommand,
    doctorCommand,
  ]) {
    program.addCommand(
      command().exitOverride().showHelpAfterError("(--help shows the options and an example)"),
    );
  }
  return program;
}

/** Runs one command line. What a user can cure is one line and a status, never a stack. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    // Loaded here, where the failed command has loaded them already, so that --help need not.
    const [{ BallastError }, { DevnetError }] = await Promise.all([
      import("@ballast/data"),
      import("@ballast/contracts"),
    ]);
    if (!(error instanceof BallastError || error instanceof DevnetError)) throw error;
    process.stderr.write(`\n${error.code}: ${error.message}\n`);
    process.exitCode = error.code === "STOPPED" ? INTERRUPTED : FAILED;
  }
}
