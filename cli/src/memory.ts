import { readdirSync, readFileSync } from "node:fs";

/**
 * Peak memory of this process and of the processes of some groups, MB, as the kernel counts them; of this process
 * alone where there is no /proc.
 */
export function peakMemoryMb(groups: readonly number[]): number {
  const own = process.resourceUsage().maxRSS;
  return Math.round((own + peakOfGroupsKb(groups)) / 1024);
}

function peakOfGroupsKb(groups: readonly number[]): number {
  let sum = 0;
  for (const pid of pids()) {
    try {
      // Fields after the command in brackets: state, parent, group.
      const groupOf = Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[2]);
      if (!groups.includes(groupOf)) continue;
      sum += Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return sum;
}

function pids(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
