import type { Progress } from "@ballast/data";
import cliProgress from "cli-progress";

/** What a command shows a person: one line a step, a bar for what takes long. All of it goes to stderr but results. */
export interface Terminal {
  /** One line of plain English. */
  say(line: string): void;
  /** A numbered step of a command that has several. */
  step(line: string): void;
  /** A result; the only thing on stdout. */
  result(text: string): void;
  /** Runs a long step under a bar that grows with the reports it is fed, and removes the bar at its end. */
  track<T>(label: string, work: (report: (progress: Progress) => void) => Promise<T>): Promise<T>;
}

/** On a terminal the bar moves; in a log it is a line every few seconds. */
export function openTerminal(): Terminal {
  const { stderr, stdout } = process;
  const isTty = stderr.isTTY === true;
  let steps = 0;
  return {
    say: (line) => void stderr.write(`   ${line}\n`),
    step: (line) =>
      void stderr.write(`${isTty ? "\u001b[1m" : ""}${++steps}. ${line}${isTty ? "\u001b[0m" : ""}\n`),
    result: (text) => void stdout.write(`${text}\n`),
    async track(label, work) {
      const bar = new cliProgress.SingleBar(
        {
          format: `   {label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`,
          stream: stderr,
          clearOnComplete: true,
          hideCursor: true,
          linewrap: false,
          barsize: 28,
          etaBuffer: 50,
          noTTYOutput: true,
          notTTYSchedule: 5_000,
        },
        cliProgress.Presets.shades_classic,
      );
      let isStarted = false;
      try {
        return await work(({ done, total, label: part }) => {
          const size = Math.max(total ?? done + 1, 1);
          if (!isStarted) {
            bar.start(size, done, { label: part || label });
            isStarted = true;
          }
          bar.setTotal(size);
          bar.update(done, { label: part || label });
        });
      } finally {
        if (isStarted) bar.stop();
      }
    },
  };
}
