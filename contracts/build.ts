/**
 * Compiles `sol/` with the npm package `solc` and writes `src/generated/<Contract>.json`. The files are
 * committed, so that using Ballast needs no compiler; `build.test.ts` fails when they are out of date.
 * The settings are those of `foundry.toml`, so that what forge tests is what is deployed, byte for byte.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const root = import.meta.dirname;
export const GENERATED = join(root, "src", "generated");

const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  // Without the metadata hash the bytecode depends on the code alone, not on comments or file names.
  metadata: { bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

interface SolcOutput {
  readonly errors?: readonly {
    readonly severity: string;
    readonly formattedMessage: string;
    readonly sourceLocation?: { readonly file: string };
  }[];
  readonly contracts?: Record<
    string,
    Record<
      string,
      {
        readonly abi: readonly { readonly type: string }[];
        readonly evm: { readonly bytecode: { readonly object: string } };
      }
    >
  >;
}

/** Solidity sources below `sol/`, as paths from the package folder, in a fixed order. */
const readSources = (): string[] =>
  readdirSync(join(root, "sol"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".sol"))
    .map((path) => `sol/${path}`)
    .sort();

const require = createRequire(import.meta.url);

/** Imports by package name come from wherever npm put the package. */
const readImport = (path: string): { contents: string } | { error: string } => {
  for (const folder of require.resolve.paths(path) ?? []) {
    try {
      return { contents: readFileSync(join(folder, path), "utf8") };
    } catch {
      // The next folder up.
    }
  }
  return { error: `${path} is in no node_modules folder: run \`npm ci\`` };
};

/**
 * File name to file text of every artefact: contracts that can be deployed, and none of the interfaces.
 * @throws Error with the compiler's messages. A warning about a file below `sol/` counts as an error.
 */
export const compile = (): Map<string, string> => {
  const sources = readSources();
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      sources.map((path) => [path, { content: readFileSync(join(root, path), "utf8") }]),
    ),
    settings: SETTINGS,
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport })) as SolcOutput;
  const messages = (output.errors ?? [])
    .filter((error) => error.severity === "error" || error.sourceLocation?.file.startsWith("sol/"))
    .map((error) => error.formattedMessage);
  if (messages.length > 0) throw new Error(messages.join("\n"));

  const artifacts = new Map<string, string>();
  for (const path of sources) {
    for (const [contractName, { abi, evm }] of Object.entries(output.contracts?.[path] ?? {})) {
      // A library without external functions is in the contracts that use it, its errors too.
      if (evm.bytecode.object === "" || abi.every(({ type }) => type === "error")) continue;
      const file = `${contractName}.json`;
      if (artifacts.has(file)) throw new Error(`two contracts are called ${contractName}: rename one`);
      const artifact = {
        contractName,
        abi,
        bytecode: `0x${evm.bytecode.object}`,
      };
      artifacts.set(file, `${JSON.stringify(artifact, null, 2)}\n`);
    }
  }
  return artifacts;
};

/** Replaces the content of `src/generated/`. */
const writeArtifacts = (artifacts: ReadonlyMap<string, string>): void => {
  mkdirSync(GENERATED, { recursive: true });
  for (const file of readdirSync(GENERATED)) if (!artifacts.has(file)) rmSync(join(GENERATED, file));
  for (const [file, text] of artifacts) writeFileSync(join(GENERATED, file), text);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const artifacts = compile();
  writeArtifacts(artifacts);
  console.log(
    `${artifacts.size} contracts: ${[...artifacts.keys()].map((file) => basename(file, ".json")).join(", ")}`,
  );
}
