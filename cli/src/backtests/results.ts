import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { BacktestFile } from "@ballast/api";
import { BallastError } from "@ballast/data";
import type { JobQueue } from "@ballast/training";

type Redis = JobQueue<unknown, unknown>["link"]["redis"];
export type ResultFile = BacktestFile | "figures";

const DAY_MS = 86_400_000;
/** How long a backtest and its results are kept in Redis. */
export const KEPT_MS = 30 * DAY_MS;

export class ResultTooLargeError extends BallastError {
  readonly code = "BACKTEST_RESULT_TOO_LARGE";
  constructor(bytes: number, mostMb: number) {
    super(
      `Its results have ${Math.ceil(bytes / 2 ** 20)} MiB, compressed, and at most ${mostMb} are kept. ` +
        "Take a shorter period, fewer assets or fewer policies.",
    );
  }
}

const keyOf = (id: string): string => `ballast:backtests:result:${id}`;
const fieldOf = (file: ResultFile): string => (typeof file === "string" ? file : `record:${file.record}`);

/**
 * Keeps what a backtest left, compressed; whoever runs it again puts the same bits in its place. Returns its bytes.
 * Errors: ResultTooLargeError.
 */
export async function saveResults(
  redis: Redis,
  id: string,
  files: readonly (readonly [ResultFile, string])[],
  mostMb: number,
): Promise<number> {
  const fields = new Map<string, Buffer>();
  let bytes = 0;
  for (const [file, text] of files) {
    const packed = await promisify(gzip)(text);
    bytes += packed.length;
    fields.set(fieldOf(file), packed);
  }
  if (bytes > mostMb * 2 ** 20) throw new ResultTooLargeError(bytes, mostMb);
  const key = keyOf(id);
  // It goes a day after the backtest does, so that no backtest is shown without what it left.
  const replies = await redis
    .multi()
    .del(key)
    .hset(key, fields)
    .pexpire(key, KEPT_MS + DAY_MS)
    .exec();
  for (const [error] of replies ?? []) if (error !== null) throw error;
  return bytes;
}

export async function fetchResult(redis: Redis, id: string, file: ResultFile): Promise<string | undefined> {
  const packed = await redis.hgetBuffer(keyOf(id), fieldOf(file));
  return packed === null ? undefined : (await promisify(gunzip)(packed)).toString("utf8");
}

export async function removeResults(redis: Redis, id: string): Promise<void> {
  await redis.del(keyOf(id));
}
