import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/**
 * The table of rooms, as docs/architecture.md explains it: what a room's sources may import. A test that
 * starts another process (`<room>/test/`) may also use the local devnet, so `contracts` is allowed there.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  data: [],
  model: ["data"],
  contracts: [],
  attest: ["data", "model", "contracts"],
  agent: ["data", "model", "attest", "contracts"],
  training: ["data", "model", "attest", "agent"],
  api: ["data", "model", "attest", "agent"],
  cli: ["data", "model", "contracts", "attest", "agent", "training", "api"],
  bench: ["data", "model", "contracts", "attest", "agent", "training", "api"],
};
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const IMPORT = /(?:from|import|import\()\s*["']([^"']+)["']/g;

interface Violation {
  readonly file: string;
  readonly specifier: string;
  readonly why: string;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (["node_modules", "generated", "out", "cache", ".turbo", "dist"].includes(name)) return [];
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sourcesOf(path);
    return /\.(ts|mjs)$/.test(name) && !name.endsWith(".d.ts") ? [path] : [];
  });
}

function violationsIn(room: string, file: string, text: string, declared: ReadonlySet<string>): Violation[] {
  const allowed = new Set([...(MAY_IMPORT[room] ?? []), room]);
  if (relative(join(ROOT, room), file).startsWith("test/")) allowed.add("contracts");
  const found: Violation[] = [];
  for (const [, specifier = ""] of text.matchAll(IMPORT)) {
    const fail = (why: string) => found.push({ file: relative(ROOT, file), specifier, why });
    if (specifier.startsWith(".")) {
      const target = resolve(dirname(file), specifier);
      if (!target.startsWith(`${join(ROOT, room)}/`)) fail("leaves its room by a relative path");
    } else if (specifier.startsWith("@ballast/")) {
      const [, name = "", ...deep] = specifier.split("/");
      if (deep.length > 0) fail("goes round the package door");
      else if (!allowed.has(name)) fail(`${room} may not import ${name}`);
      else if (name !== room && !declared.has(specifier)) fail("is not declared in package.json");
    }
  }
  return found;
}

const declaredBy = (room: string): ReadonlySet<string> => {
  const manifest = JSON.parse(readFileSync(join(ROOT, room, "package.json"), "utf8"));
  return new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
};

/** Written so that this very file does not count as importing it. */
const importing = (specifier: string): string => ["import { x } from", JSON.stringify(specifier)].join(" ");

describe("rooms", () => {
  it.each(Object.keys(MAY_IMPORT))("default: %s imports only what its row allows", (room) => {
    const declared = declaredBy(room);
    const violations = sourcesOf(join(ROOT, room)).flatMap((file) =>
      violationsIn(room, file, readFileSync(file, "utf8"), declared),
    );
    expect(violations).toEqual([]);
  });

  it.each([
    ["model", importing("@ballast/agent"), "model may not import agent"],
    ["agent", importing("@ballast/data/src/market.ts"), "goes round the package door"],
    ["api", importing("../../data/src/index.ts"), "leaves its room by a relative path"],
    ["data", ["const x = await import", '("@ballast/cli")'].join(""), "data may not import cli"],
    ["training", importing("@ballast/contracts"), "training may not import contracts"],
  ])("error: a breach in %s is found", (room, text, why) => {
    const file = join(ROOT, room, "src/example.ts");
    expect(violationsIn(room, file, text, new Set()).map((violation) => violation.why)).toEqual([why]);
  });

  it("behaviour: nothing but cli and bench imports training, api or cli", () => {
    for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
      if (room === "cli" || room === "bench") continue;
      expect(allowed.filter((name) => ["training", "api", "cli"].includes(name))).toEqual([]);
    }
  });
});
