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

interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** In a log, a step that takes less than this is not reported on, and one that takes longer is so often. */
const LOG_EVERY_MS = 10_000;

/**
 * On a terminal the bar moves; in a log it is a line every ten seconds.
 * @param clock Milliseconds since any moment.
 */
export function openTerminal(
  { stdout, stderr }: Streams = process,
  clock: () => number = () => performance.now(),
): Terminal {
  const isTty = stderr.isTTY === true;
  const say = (line: string) => void stderr.write(`   ${line}\n`);
  const watch = isTty ? (label: string) => drawBar(label, stderr, clock) : () => writeLines(say, clock);
  let steps = 0;
  return {
    say,
    step: (line) =>
      void stderr.write(`${isTty ? "\u001b[1m" : ""}${++steps}. ${line}${isTty ? "\u001b[0m" : ""}\n`),
    result: (text) => void stdout.write(`${text}\n`),
    async track(label, work) {
      const { report, end } = watch(label);
      try {
        return await work((progress) => report({ ...progress, label: progress.label || label }));
      } finally {
        end();
      }
    },
  };
}

interface Watch {
  report(progress: Progress): void;
  end(): void;
}

function drawBar(label: string, stream: NodeJS.WritableStream, clock: () => number): Watch {
  const bar = new cliProgress.SingleBar(
    {
      format: "   {label} {bar} {percentage} %{left}",
      stream,
      clearOnComplete: true,
      linewrap: false,
      barsize: 28,
    },
    cliProgress.Presets.shades_classic,
  );
  const estimate = timeLeft(clock);
  let isStarted = false;
  return {
    report(progress) {
      const size = Math.max(progress.total ?? progress.done + 1, 1);
      const left = estimate(progress);
      const shown = { label: progress.label, left: left === undefined ? "" : `, ${left}` };
      if (!isStarted) bar.start(size, progress.done, { ...shown, label });
      isStarted = true;
      bar.setTotal(size);
      bar.update(progress.done, shown);
    },
    end: () => isStarted && bar.stop(),
  };
}

function writeLines(say: (line: string) => void, clock: () => number): Watch {
  const estimate = timeLeft(clock);
  let last = clock();
  return {
    report(progress) {
      const left = estimate(progress);
      if (clock() - last < LOG_EVERY_MS) return;
      last = clock();
      const { done, total, label } = progress;
      const share = total === undefined ? `${done} so far` : `${Math.floor((100 * done) / total)} %`;
      say(`${label}: ${share}${left === undefined ? "" : `, ${left}`}`);
    },
    end() {},
  };
}

/** Says how long the rest takes at the pace since the first report; undefined before there is a pace, and at the end. */
export function timeLeft(clock: () => number): (progress: Progress) => string | undefined {
  let first: { readonly at: number; readonly done: number } | undefined;
  return ({ done, total }) => {
    first ??= { at: clock(), done };
    const pace = (done - first.done) / (clock() - first.at);
    if (total === undefined || done >= total || !(pace > 0) || !Number.isFinite(pace)) return undefined;
    const seconds = Math.ceil((total - done) / pace / 1000);
    return seconds < 100 ? `about ${seconds} s left` : `about ${Math.ceil(seconds / 60)} min left`;
  };
}
