/**
 * Takes each guard of `sol/` out, one at a time, and asks whether a forge test notices: `node mutate.ts [part of a file's
 * name]`. Prints the guards whose absence no test noticed, and exits with 1 if there are any. Takes minutes, so it is
 * run by hand.
 *
 * A guard is `if (condition) revert …`, or a modifier on a function. All of them are built at once, each behind a switch
 * that reads the address of the block's producer, which forge sets from its command line: one compilation, then one run
 * of the tests for each guard. Left out: the invariants, for their length, and gas, which the switches change.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const ROOT = import.meta.dirname;
/** Above all precompiled contracts, below all accounts of the tests. */
const FIRST_ID = 1_000;
const PARALLEL = 2;

interface Mutant {
  readonly id: number;
  readonly place: string;
  readonly guard: string;
}

const SWITCH = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

function isOn(uint256 id) pure returns (bool) {
    function(uint256) view returns (bool) reading = _isOn;
    function(uint256) pure returns (bool) asPure;
    assembly { asPure := reading }
    return asPure(id);
}

function _isOn(uint256 id) view returns (bool) {
    return block.coinbase != address(uint160(id));
}

/// OpenZeppelin's ReentrancyGuardTransient with a switch, in the same transient slot of whoever runs it.
abstract contract SwitchedGuard {
    error ReentrancyGuardReentrantCall();

    modifier nonReentrant(uint256 id) {
        if (isOn(id) && _isEntered()) revert ReentrancyGuardReentrantCall();
        assembly { tstore(0xba11a57, 1) }
        _;
        assembly { tstore(0xba11a57, 0) }
    }

    modifier nonReentrantView(uint256 id) {
        if (isOn(id) && _isEntered()) revert ReentrancyGuardReentrantCall();
        _;
    }

    function _isEntered() private view returns (bool isEntered) {
        assembly { isEntered := tload(0xba11a57) }
    }
}
`;

/** Modifiers by name, with what they do before the function; those of the re-entrancy guard take the switch's id. */
const MODIFIERS: Readonly<Record<string, string | undefined>> = {
  onlyOwner: "_checkOwner();",
  timelocked: "_useSubmission();",
  onlyOwnerOrGuardian:
    "if (msg.sender != owner() && msg.sender != guardian) revert NotOwnerOrGuardian(msg.sender);",
  nonReentrant: undefined,
  nonReentrantView: undefined,
};

/** @returns the index behind the parenthesis that closes the one at `open` */
const closeOf = (text: string, open: number): number => {
  let depth = 0;
  for (let i = open; i < text.length; ++i) {
    if (text[i] === "(") depth += 1;
    if (text[i] === ")") depth -= 1;
    if (depth === 0) return i + 1;
  }
  return text.length;
};

const lineOf = (text: string, index: number): number => text.slice(0, index).split("\n").length;
const toLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** Puts every guard of a source behind a switch. */
const switchGuards = (path: string, source: string, firstId: number): { text: string; mutants: Mutant[] } => {
  const mutants: Mutant[] = [];
  const edits: { start: number; end: number; text: string }[] = [];
  const add = (start: number, guard: string): number => {
    const id = firstId + mutants.length;
    mutants.push({ id, place: `${path}:${lineOf(source, start)}`, guard: toLine(guard) });
    return id;
  };
  for (const { index } of source.matchAll(/\bif \(/g)) {
    const open = index + 3;
    const close = closeOf(source, open);
    const revert = /^\s*\{?\s*revert\s[^;]*;/.exec(source.slice(close));
    if (revert === null) continue;
    const id = add(index, source.slice(index, close) + revert[0].replace("{", ""));
    edits.push({ start: open, end: close, text: `(${source.slice(open, close)} && isOn(${id}))` });
  }
  for (const match of source.matchAll(/\bfunction (\w+)\([^)]*\)[^{};]*\{/g)) {
    for (const [name, body] of Object.entries(MODIFIERS)) {
      const place = new RegExp(`\\b${name}\\b`).exec(match[0]);
      if (place === null) continue;
      const start = match.index + place.index;
      const id = add(match.index, `${name} of ${match[1]}`);
      edits.push({ start, end: start + name.length, text: body === undefined ? `${name}(${id})` : "" });
      const inside = match.index + match[0].length;
      if (body !== undefined)
        edits.push({ start: inside, end: inside, text: ` if (isOn(${id})) { ${body} }` });
    }
  }
  let text = source;
  for (const { start, end, text: put } of edits.sort((a, b) => b.start - a.start)) {
    text = text.slice(0, start) + put + text.slice(end);
  }
  return { text, mutants };
};

/** A copy of the package whose guards are all behind switches. */
const buildCopy = (folder: string): Mutant[] => {
  const copy = join(folder, "contracts");
  const parts = [
    "sol",
    "test",
    "snapshots",
    "src/generated",
    "foundry.toml",
    "forge.mjs",
    "solc.mjs",
    "package.json",
  ];
  for (const part of parts) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "../node_modules"), join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "sol/Switch.sol"), SWITCH);
  const mutants: Mutant[] = [];
  for (const name of readdirSync(join(ROOT, "sol"), { recursive: true, encoding: "utf8" }).sort()) {
    if (!name.endsWith(".sol") || name.startsWith("dev/")) continue;
    const path = join("sol", name);
    const switched = switchGuards(path, readFileSync(join(ROOT, path), "utf8"), FIRST_ID + mutants.length);
    if (switched.mutants.length === 0) continue;
    mutants.push(...switched.mutants);
    const from = relative(dirname(path), "sol/Switch.sol");
    const door = from.startsWith(".") ? from : `./${from}`;
    const text = switched.text
      .replace(
        /import \{ReentrancyGuardTransient\} from "[^"]*";/,
        `import {SwitchedGuard as ReentrancyGuardTransient} from "${door}";`,
      )
      .replace("_useSubmission() private", "_useSubmission() internal")
      .replace(/(pragma solidity [^;]*;)/, `$1\nimport {isOn} from "${door}";`);
    writeFileSync(join(copy, path), text);
  }
  return mutants;
};

/** Runs the tests of the copy. @returns the names of those that failed, or undefined where forge itself did */
const runTests = async (folder: string, args: readonly string[]): Promise<string[] | undefined> => {
  const child = spawn(
    "node",
    [
      "forge.mjs",
      "test",
      "--json",
      "--no-match-contract",
      "Invariant",
      "--code-size-limit",
      "200000",
      "--fuzz-runs",
      "32",
      ...args,
    ],
    {
      cwd: join(folder, "contracts"),
      env: { ...process.env, FORGE_SNAPSHOT_CHECK: "false" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  await new Promise((resolve) => child.on("close", resolve));
  const start = output.indexOf('{"');
  if (start < 0) {
    console.error((output + errors).slice(0, 4_000));
    return undefined;
  }
  const suites = JSON.parse(output.slice(start, output.lastIndexOf("}") + 1)) as Record<
    string,
    { test_results: Record<string, { status: string }> }
  >;
  return Object.values(suites).flatMap(({ test_results }) =>
    Object.entries(test_results)
      .filter(([, { status }]) => status === "Failure")
      .map(([name]) => name.replace(/\(.*/, "")),
  );
};

const folder = mkdtempSync(join(tmpdir(), "ballast-mutants-"));
try {
  const [part = ""] = process.argv.slice(2);
  const mutants = buildCopy(folder).filter(({ place }) => place.includes(part));
  console.log(`${mutants.length} guards; compiling`);
  const sensitive = await runTests(folder, []);
  if (sensitive === undefined) throw new Error("the switched contracts do not compile");
  // Tests of gas notice every switch, and would notice every mutant.
  if (sensitive.length > 0)
    console.log(`left out, for they fail with all guards on: ${sensitive.join(", ")}`);
  const args = sensitive.length > 0 ? ["--no-match-test", `^(${[...new Set(sensitive)].join("|")})\\(`] : [];
  const survivors: Mutant[] = [];
  const queue = [...mutants];
  const work = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const coinbase = `0x${mutant.id.toString(16).padStart(40, "0")}`;
      const failed = await runTests(folder, [...args, "--fail-fast", "--block-coinbase", coinbase]);
      if (failed === undefined) throw new Error(`forge failed without ${mutant.place}`);
      if (failed.length === 0) survivors.push(mutant);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  for (const { place, guard } of survivors.sort((a, b) => a.id - b.id))
    console.log(`survived: ${place}  ${guard}`);
  console.log(
    `${mutants.length - survivors.length} of ${mutants.length} guards are noticed when they are gone`,
  );
  process.exitCode = survivors.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}
