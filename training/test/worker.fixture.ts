import { startQueueWorker } from "../src/jobs/queue.ts";
import { openTrialThreads, type TrialThreads } from "../src/jobs/threads.ts";

const [url = "", artefacts = "", silenceMs = "", dies = ""] = process.argv.slice(2);
const deadly: TrialThreads = {
  score: async () => process.kill(process.pid, "SIGKILL") as never,
  close: async () => {},
};
await startQueueWorker({
  url,
  threads: dies === "true" ? deadly : openTrialThreads({ artefacts }),
  count: 1,
  log: (line) => console.log(line),
  silenceMs: Number(silenceMs),
});
