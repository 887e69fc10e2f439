import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./durable-file.ts";
import { BallastError } from "./errors.ts";
import { canonicalJson, keccak } from "./hash.ts";
import { type Hex, isoTime, type UnixMillis } from "./units.ts";
import { openWriteLock } from "./write-lock.ts";

/** One line of the history: which model serves since when, until when, and why. Plain JSON. */
export interface Promotion {
  readonly action: "promote" | "rollback";
  readonly modelId: Hex;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** From this time on the model must not be used; ISO 8601, UTC. */
  readonly expiresAt: string;
  /** In words. */
  readonly reason: string;
  /** Whether somebody overruled the comparison. */
  readonly isForced: boolean;
  /** What the comparison found, as its author wrote it; null where there was none. */
  readonly evidence: Readonly<Record<string, unknown>> | null;
  /** keccak256 of the line before, null in the first: no line can be changed or taken out unseen. */
  readonly previous: Hex | null;
}

export type NewPromotion = Omit<Promotion, "action" | "previous" | "at" | "expiresAt"> & {
  readonly at: UnixMillis;
  readonly expiresAt: UnixMillis;
};

/** The pointer to the model in service, in `champions.jsonl` of an artefact folder: lines are added, never changed. */
export interface ChampionRegistry {
  /** Oldest first. Errors: ChampionHistoryError. */
  history(): Promise<Promotion[]>;
  /** The promotion in force, or undefined before the first. Errors: ChampionHistoryError. */
  champion(): Promise<Promotion | undefined>;
  /** Errors: ChampionHistoryError, DiskFullError, StoreBusyError. */
  promote(promotion: NewPromotion): Promise<Promotion>;
  /** Puts the champion before the present one back, with the expiry it had. Errors: NothingToRollBackError and those of `promote`. */
  rollback(request: { readonly at: UnixMillis; readonly reason: string }): Promise<Promotion>;
  close(): void;
}

export class ChampionHistoryError extends BallastError {
  readonly code = "CHAMPION_HISTORY";
  readonly line: number;
  constructor(path: string, line: number) {
    super(
      `line ${line} of ${path} is not what was written there. Restore the file from a copy, or move it away and promote a model anew.`,
    );
    this.line = line;
  }
}

export class NothingToRollBackError extends BallastError {
  readonly code = "NOTHING_TO_ROLL_BACK";
  constructor(champion: Hex | undefined) {
    super(
      champion === undefined
        ? "no model was ever promoted. Promote one with `ballast models promote`."
        : `${champion} is the first champion; there is none before it. Promote another model instead.`,
    );
  }
}

export class NoChampionError extends BallastError {
  readonly code = "NO_CHAMPION";
  constructor(folder: string) {
    super(
      `no model in ${folder} is the champion. Promote one with \`ballast models promote\`, or name a model by its id.`,
    );
  }
}

export function openChampions(
  folder: string,
  options: { readonly lockWaitMs?: number } = {},
): ChampionRegistry {
  const path = join(folder, "champions.jsonl");
  const lock = openWriteLock(folder, options.lockWaitMs ?? 10_000);

  async function readLines(): Promise<string[]> {
    const text = await readFile(path, "utf8").catch((error) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const lines = text.split("\n");
    if (lines.pop() !== "") throw new ChampionHistoryError(path, lines.length + 1);
    return lines;
  }

  const append = (
    toLine: (history: readonly Promotion[]) => Omit<Promotion, "previous">,
  ): Promise<Promotion> =>
    lock.run(async () => {
      const lines = await readLines();
      const added = { ...toLine(parse(lines, path)), previous: toHash(lines.at(-1)) };
      // Rewritten whole, so that a full disk or a lost machine leaves the old history or the new one.
      const text = [...lines, canonicalJson(added), ""].join("\n");
      await replaceFile(path, (temporary) => writeFile(temporary, text));
      return added;
    });

  return {
    history: async () => parse(await readLines(), path),
    champion: async () => inForce(parse(await readLines(), path)).at(-1),
    promote: ({ at, expiresAt, ...rest }) =>
      append(() => ({ action: "promote", ...rest, at: isoTime(at), expiresAt: isoTime(expiresAt) })),
    rollback: ({ at, reason }) =>
      append((history) => {
        const stack = inForce(history);
        const before = stack.at(-2);
        if (before === undefined) throw new NothingToRollBackError(stack.at(-1)?.modelId);
        const { modelId, expiresAt } = before;
        return {
          action: "rollback",
          modelId,
          at: isoTime(at),
          expiresAt,
          reason,
          isForced: false,
          evidence: null,
        };
      }),
    close: () => lock.close(),
  };
}

const toHash = (line: string | undefined): Hex | null =>
  line === undefined ? null : keccak(Buffer.from(line, "utf8"));

function parse(lines: readonly string[], path: string): Promotion[] {
  return lines.map((line, i) => {
    let promotion: Promotion;
    try {
      promotion = JSON.parse(line);
    } catch {
      throw new ChampionHistoryError(path, i + 1);
    }
    // A changed line shows in the one after it; a line of another shape in itself.
    const isWhole =
      /^0x[0-9a-f]{64}$/.test(promotion?.modelId) && !Number.isNaN(Date.parse(promotion.expiresAt));
    if (!isWhole || promotion.previous !== toHash(lines[i - 1])) throw new ChampionHistoryError(path, i + 1);
    return promotion;
  });
}

/** The promotions that a rollback could still go back to, the one in force last. */
function inForce(history: readonly Promotion[]): Promotion[] {
  const stack: Promotion[] = [];
  for (const promotion of history) {
    if (promotion.action === "promote") stack.push(promotion);
    else stack.pop();
  }
  return stack;
}
