import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { peakMemoryMb } from "./memory.ts";

const hasProc = existsSync("/proc/self/status");
if (!hasProc) console.log("No /proc on this machine: the memory of other processes is left out.");

it("default: this process alone", () => {
  const own = Math.round(process.resourceUsage().maxRSS / 1024);
  expect(peakMemoryMb([])).toBeGreaterThanOrEqual(own);
  expect(peakMemoryMb([])).toBeLessThan(own + 50);
});

it.skipIf(!hasProc)("behaviour: a group's processes are added, at their peak", async () => {
  // Takes 200 MB, gives them back, and says so.
  const program =
    "let a = Buffer.alloc(200e6, 1); a = undefined; globalThis.gc(); console.log('done'); setInterval(() => {}, 1e6)";
  const child = spawn(process.execPath, ["--expose-gc", "-e", program], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const alone = peakMemoryMb([]);
    expect(peakMemoryMb([child.pid!]) - alone).toBeGreaterThan(190);
    expect(peakMemoryMb([child.pid!, -1]) - alone).toBeLessThan(600);
  } finally {
    child.kill("SIGKILL");
  }
});
