import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { openTerminal, timeLeft } from "./terminal.ts";

/** A terminal in a log, a clock that stands until it is set, and what was written. */
function openLog() {
  const written = { stdout: "", stderr: "" };
  const toStream = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _, done) {
        written[name] += String(chunk);
        done();
      },
    });
  let now = 0;
  const terminal = openTerminal({ stdout: toStream("stdout"), stderr: toStream("stderr") }, () => now);
  const setClock = (ms: number) => {
    now = ms;
  };
  return { terminal, written, setClock };
}

describe("terminal", () => {
  it("default: results alone go to stdout; steps are numbered", () => {
    const { terminal, written } = openLog();
    terminal.step("First.");
    terminal.say("Detail.");
    terminal.step("Second.");
    terminal.result("42");
    expect(written).toEqual({ stdout: "42\n", stderr: "1. First.\n   Detail.\n2. Second.\n" });
  });

  it("behaviour: in a log, a short step says nothing and a long one a line every ten seconds", async () => {
    const { terminal, written, setClock } = openLog();
    const value = await terminal.track("replaying", async (report) => {
      for (let second = 0; second <= 25; second += 1) {
        setClock(second * 1_000);
        report({ done: second * 4, total: 200, label: second < 20 ? "" : "replaying on" });
      }
      return 7;
    });
    expect(value).toBe(7);
    expect(written.stderr).toBe(
      "   replaying: 20 %, about 40 s left\n   replaying on: 40 %, about 30 s left\n",
    );
    await terminal.track("short", async (report) => report({ done: 1, total: 1, label: "" }));
    expect(written.stderr).not.toContain("short");
  });

  it("behaviour: without an end in sight it counts", async () => {
    const { terminal, written, setClock } = openLog();
    await terminal.track("fetching", async (report) => {
      report({ done: 0, label: "" });
      setClock(10_000);
      report({ done: 1_500, label: "" });
    });
    expect(written.stderr).toBe("   fetching: 1500 so far\n");
  });

  it("error: a failing step fails as it did", async () => {
    const { terminal } = openLog();
    const failure = new Error("no");
    await expect(terminal.track("failing", () => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe("timeLeft", () => {
  it("behaviour: the pace since the first report; nothing before there is one, nor at the end", () => {
    let now = 0;
    const left = timeLeft(() => now);
    const at = (ms: number, done: number, total?: number) => {
      now = ms;
      return left({ done, total, label: "" });
    };
    expect(at(5_000, 100, 1_000)).toBeUndefined();
    expect(at(6_000, 100, 1_000)).toBeUndefined();
    expect(at(7_000, 120, 1_000)).toBe("about 88 s left");
    expect(at(8_000, 121, 1_000)).toBe("about 3 min left");
    expect(at(9_000, 1_000, 1_000)).toBeUndefined();
    expect(at(9_000, 1_000)).toBeUndefined();
  });
});
