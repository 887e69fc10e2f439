import { parseArgs } from "node:util";
import { DevnetError } from "@ballast/contracts";
import { BallastError } from "@ballast/data";
import { BENCHMARKS } from "./benchmark.ts";
import { toJson, toTable } from "./measure.ts";

const MISUSED = 2;
const names = Object.keys(BENCHMARKS);
const HELP = `Usage: npm run bench -- <name> [--bars <folder>] [--gas <file>] [--pool <folder>] [--refits <n>] [--until <date>] [--json] [--quick]

Runs one benchmark and prints each figure beside a peer's, measured in the same run.

Benchmarks:
${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(12)}${about}`)
  .join("\n")}

Options:
  --bars <folder>  recorded bars, one file an asset; a seeded synthetic market where absent
  --gas <file>     recorded base fees in gwei for the policies benchmark, a CSV with a column of times
  --pool <folder>  for the costs benchmark: minutes of a Uniswap v3 pool whose token0 is a dollar of 6 decimals, CSV
  --refits <n>     how often the forecast benchmark fits again, 18 where absent
  --until <date>   where breach score and notaries of the verify benchmark stop reading, else the bars' end
  --json           end with one line of JSON: [{name, value, unit, peer, peerValue, ratio}, …]
  --quick          as few repetitions as show that it works; the times mean little
  --help           this text

Examples:
  npm run bench -- pipeline
  npm run bench -- pipeline --bars ./bars --json
  npm run bench -- forecast --bars ./bars
  npm run bench -- policies --bars ./bars --gas ./base-fees.csv
  npm run bench -- costs --bars ./bars --pool ./pool-minutes
`;

/** The command line asks for something there is not. */
class MisuseError extends BallastError {
  readonly code = "MISUSE";
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        bars: { type: "string" },
        gas: { type: "string" },
        pool: { type: "string" },
        refits: { type: "string" },
        until: { type: "string" },
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new MisuseError(`${(error as Error).message} --help lists the options.`);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return void process.stdout.write(HELP);
  const name = positionals.join(" ");
  if (!Object.hasOwn(BENCHMARKS, name)) {
    const found = name === "" ? "No benchmark is named" : `There is no benchmark ${JSON.stringify(name)}`;
    throw new MisuseError(`${found}; choose among: ${names.join(", ")}. --help shows an example.`);
  }
  const until = values.until === undefined ? undefined : Date.parse(values.until);
  if (Number.isNaN(until)) throw new MisuseError(`--until ${values.until} is no date; write 2021-11-01.`);
  const started = performance.now();
  const log = (line: string) =>
    void process.stderr.write(
      `${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}\n`,
    );
  const refits = values.refits === undefined ? undefined : Number(values.refits);
  if (refits !== undefined && !(Number.isInteger(refits) && refits >= 1))
    throw new MisuseError(`--refits is ${values.refits}; give a whole number from 1.`);
  const { bars, gas, pool, quick: isQuick } = values;
  const rows = await BENCHMARKS[name]!.run({ bars, gas, pool, until, isQuick, refits, log });
  process.stdout.write(`${toTable(rows)}\n`);
  if (values.json) process.stdout.write(`${toJson(rows)}\n`);
}

/** What a user can cure is one line and a status, never a stack. */
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BallastError || error instanceof DevnetError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error instanceof MisuseError ? MISUSED : 1;
}
