import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PROBLEM_STATUS, toProblem } from "./problem.ts";

describe("problems", () => {
  test("default: docs/api-errors.md has every code, with its status, and no other", () => {
    const text = readFileSync(new URL("../../docs/api-errors.md", import.meta.url), "utf8");
    const rows = text.split("\n").flatMap((line) => {
      const [, codes = "", status = ""] = /^\| (`[A-Z_`, ]+`) \| (\d{3}) \|/.exec(line) ?? [];
      return [...codes.matchAll(/[A-Z_]+/g)].map(([code]) => [code, Number(status)] as const);
    });
    expect(rows.length).toBeGreaterThan(20);
    const sorted = (pairs: readonly (readonly [string, number])[]) => [...pairs].sort();
    expect(sorted(rows)).toEqual(sorted(Object.entries(PROBLEM_STATUS)));
  });

  test.each(["ENOSPC", "EDQUOT"])("error: %s, as the operating system has it, is a full disk", (code) => {
    const error = Object.assign(new Error(`${code}: write '/srv/secret'`), { code });
    const problem = toProblem(error, "r");
    expect(problem).toMatchObject({ status: 503, code: "DISK_FULL" });
    expect(problem.detail).toMatch(/no disk space left.*has to free some/);
    expect(JSON.stringify(problem)).not.toContain("secret");
  });

  test("behaviour: of a server's own fault nothing but its code is told, and of a defect not even that", () => {
    const secret = "SQLITE_FULL at /srv/secret/journal.sqlite";
    for (const code of Object.keys(PROBLEM_STATUS).filter((known) => PROBLEM_STATUS[known]! >= 500)) {
      const problem = toProblem(Object.assign(new Error(secret), { code }), "r");
      expect(JSON.stringify(problem)).not.toContain("secret");
      expect(problem).toMatchObject({ code, status: PROBLEM_STATUS[code] });
    }
    for (const thrown of [
      new TypeError(secret),
      secret,
      null,
      undefined,
      { code: "ENOENT", message: secret },
    ]) {
      expect(toProblem(thrown, "r")).toMatchObject({ status: 500, code: "INTERNAL" });
      expect(JSON.stringify(toProblem(thrown, "r"))).not.toContain("secret");
    }
  });
});
