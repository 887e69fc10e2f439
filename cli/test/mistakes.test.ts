import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "@ballast/agent";
import { HOUR_MS, type RawSeries, syntheticSource, unixMillis } from "@ballast/data";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  descendantsOf,
  expectRefused,
  newFolder,
  run,
  start,
  survivorsOf,
  writeBars,
  writeRows,
} from "./child.ts";
import { serveKlines } from "./exchange.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** As short a history as a model can be trained on, and a day to replay. */
const HOURS = 2_160;
const START = Date.UTC(2023, 0, 1);
const home = newFolder();
let series: readonly RawSeries[];
let sound: string;
beforeAll(async () => {
  const source = syntheticSource({ seed: 2, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  ({ series } = await source.load({}));
  sound = writeBars(join(home, "sound"), series);
});

const rowsOf = (name: string): number[][] =>
  JSON.parse(readFileSync(join(sound, `${name}_USDT-1h.json`), "utf8"));
/** The sound market with Ether's rows changed. */
function writeFlawed(name: string, change: (rows: number[][]) => (number | string)[][]): string {
  const folder = join(home, name);
  writeRows(folder, "BTC", rowsOf("BTC"));
  writeRows(folder, "ETH", change(rowsOf("ETH")));
  return folder;
}
const later = (ms: number) => (rows: number[][]) => rows.map(([at, ...rest]) => [at! + ms, ...rest]);
const withRow = (index: number, row: (number | string)[]) => (rows: number[][]) =>
  rows.map((known, i) => (i === index ? [known[0]!, ...row] : known));

describe("bad bars", () => {
  const table: readonly (readonly [string, () => string, RegExp, (readonly string[])?])[] = [
    ["a missing folder", () => "nowhere", /^NO_BARS_FOLDER: .*nowhere.*--bars/m],
    ["a file", () => join(sound, "BTC_USDT-1h.json"), /^NO_BARS_FOLDER: /m],
    [
      "an empty folder",
      () => {
        mkdirSync(join(home, "empty"));
        return "empty";
      },
      /^EMPTY_FOLDER: .*empty holds no market data\. Put files of bars/m,
    ],
    [
      "one asset only",
      () => {
        writeRows(join(home, "one"), "BTC", rowsOf("BTC"));
        return "one";
      },
      /^ONE_ASSET: .*BTC/m,
    ],
    ["no overlap", () => writeFlawed("apart", later(HOURS * HOUR_MS)), /^NO_OVERLAP: .*BTC.*ETH/m],
    [
      "a negative price",
      () => writeFlawed("negative", withRow(7, [-1, 1, -1, 1, 1])),
      /^BAD_VALUE: .*ETH.*-1/m,
    ],
    [
      "no number",
      () => writeFlawed("nan", withRow(7, ["NaN", 1, 1, 1, 1])),
      /^(BAD_VALUE|MALFORMED_FILE): .*ETH/m,
    ],
    [
      "a bar in the future",
      () => writeFlawed("future", later(40 * 365 * 24 * HOUR_MS)),
      /^FUTURE_BAR: .*ETH.*206/m,
    ],
    [
      "a history too short to train on",
      () => writeFlawed("short", (rows) => rows.slice(0, 500)),
      /^SHORT_MARKET: .*(500|499) hours.*--hours/m,
    ],
    [
      "an asset that is not there",
      () => sound,
      /^UNKNOWN_ASSET: .*DOGE.*BTC, ETH/m,
      ["--assets", "BTC,DOGE"],
    ],
  ];
  for (const [title, folder, message, more = []] of table)
    it.concurrent(`error: ${title}`, async () => {
      const out = newFolder();
      const ended = await run(home, ["demo", "--bars", folder(), "--hours", "24", "--out", out, ...more]);
      expectRefused(ended, message);
      expect(ended.stderr).not.toContain("Training");
      expect(readdirSync(out)).toEqual([]);
    });

  it("error: train refuses the same, and where nothing was fetched it says how to", async () => {
    const args = ["train", "--artefacts", "models"];
    expectRefused(await run(home, [...args, "--bars", "nowhere"]), /^NO_BARS_FOLDER: /m);
    expectRefused(await run(home, args), /^NOTHING_FETCHED: \.ballast\/market .*ballast fetch/m);
    expectRefused(
      await run(home, [...args, "--bars", sound, "--until", "2023-02-01"]),
      /^TOO_LITTLE_HISTORY: .*744 hours/m,
    );
    expect([existsSync(join(home, "models")), existsSync(join(home, ".ballast"))]).toEqual([false, false]);
  });
});

describe("exchanges", () => {
  it("error: an unknown one, with the closest names, before anything is asked of anybody", async () => {
    const out = newFolder();
    const demo = ["demo", "--exchange", "krakn", "--out", out];
    expectRefused(await run(home, demo), /^UNKNOWN_EXCHANGE: .*"krakn".* kraken/m);
    const fetching = [
      "fetch",
      "--exchange",
      "binanse",
      "--assets",
      "BTC",
      "--from",
      "2024-01-01",
      "--out",
      out,
    ];
    expectRefused(await run(home, fetching), /^UNKNOWN_EXCHANGE: .*"binanse".* binance/m);
  });

  it("error: no network, where the exchange was asked for: no other market is taken instead", async () => {
    const out = newFolder();
    const ended = await run(home, ["demo", "--exchange", "binance", "--out", out]);
    expectRefused(ended, /^NO_NETWORK: binance could not be reached .*(recorded bars|synthetic market)/m);
    expect(readdirSync(out)).toEqual([]);
  });
});

describe("places that cannot be written", () => {
  it("error: a file in the way, and below a file", async () => {
    writeFileSync(join(home, "file"), "");
    for (const out of ["file", "file/below"])
      expectRefused(
        await run(home, ["demo", "--bars", sound, "--out", out]),
        /^FOLDER_NOT_WRITABLE: file.* \((EEXIST|ENOTDIR)\).*--out/m,
      );
    const fetching = ["fetch", "--assets", "BTC", "--from", "2024-01-01", "--out", "file/below"];
    expectRefused(await run(home, fetching), /^FOLDER_NOT_WRITABLE: file\/below .*--out/m);
    const training = ["train", "--bars", "sound", "--artefacts", "file/below"];
    expectRefused(await run(home, training), /^FOLDER_NOT_WRITABLE: file\/below .*--artefacts/m);
  });
});

describe("a full disk", () => {
  const disk = newFolder();
  const mount = (...args: string[]) => spawnSync("mount", [...args, disk], { encoding: "utf8" });
  const mountSmall = () => mount("-t", "tmpfs", "-o", "size=16k", "tmpfs");
  const unmount = () => spawnSync("umount", ["-l", disk]);
  const { status, stderr, error } = mountSmall();
  const canMount = status === 0;
  if (canMount) unmount();
  else console.log(`Left out, no full disk can be made here: ${stderr?.trim() || error?.message}`);
  beforeAll(() => void (canMount && mountSmall()));
  afterAll(() => void (canMount && unmount()));
  const out = join(disk, "demo");
  const demo = ["demo", "--bars", "sound", "--hours", "24", "--out", out, "--json"];

  it.skipIf(!canMount)("error: no room for the model: nothing of it is kept", async () => {
    expectRefused(await run(home, demo), /^DISK_FULL: There is no space left to write .*model/m);
    expect(readdirSync(out)).toEqual(["artefacts"]);
  });

  it.skipIf(!canMount)("error: no room for the journal any more: what it holds is whole", async () => {
    expect(mount("-o", "remount,size=400k").status).toBe(0);
    expectRefused(
      await run(home, demo),
      /^JOURNAL_FULL: no room left to write the journal .*free disk space/m,
    );
    expect(readdirSync(join(out, "run-0001"))).not.toContain("record.json");
    expect(mount("-o", "remount,size=64m").status).toBe(0);
    const journal = openJournal(join(out, "run-0001", "journal.sqlite"), { readOnly: true });
    const { items } = journal.list({ limit: 1_000 });
    journal.close();
    for (const { stage, offchainAttestation } of items)
      expect([stage, offchainAttestation]).toEqual(["signed", expect.any(String)]);
  });

  it.skipIf(!canMount)("error: fetch stops, and goes on from there once there is room", async () => {
    const exchange = await serveKlines(series[0]!);
    const market = join(disk, "market");
    const fetching = ["fetch", "--exchange-url", exchange.url, "--assets", "BTC", "--from", "2023-01-01"];
    const filler = join(disk, "filler");
    try {
      expect(mount("-o", "remount,size=8m").status).toBe(0);
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
      expectRefused(await run(home, [...fetching, "--out", market]), /^DISK_FULL: .*space/m);
      rmSync(filler);
      const { status, stdout } = await run(home, [...fetching, "--out", market]);
      expect(stdout).toMatch(new RegExp(`^BTC: ${HOURS} bars, 2023-01-01T00:00:00Z to 2023-03-31T23:00:00Z`));
      expect(status).toBe(0);
    } finally {
      exchange.close();
    }
  });
});

describe("Ctrl-C", () => {
  it("behaviour: ends the demo at once, without a chain or a stack left over", async () => {
    const out = newFolder();
    const demo = start(home, ["demo", "--bars", "sound", "--hours", "24", "--out", out]);
    await demo.until("stderr", /4\. Replaying/);
    const below = descendantsOf(demo.child.pid!);
    demo.child.kill("SIGINT");
    const { stdout, stderr, signal, status } = await demo.ended;
    expect([stdout, signal ?? status]).toEqual(["", "SIGINT"]);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(await survivorsOf(below)).toEqual([]);
  });

  it("behaviour: ends a training in a line that says what is kept", async () => {
    const training = start(home, ["train", "--bars", "sound", "--artefacts", "stopped"]);
    await training.until("stderr", /Training on 2 assets/);
    training.child.kill("SIGINT");
    expectRefused(await training.ended, /^STOPPED: Stopped by the user; nothing was stored\.$/m, 130);
    expect(existsSync(join(home, "stopped"))).toBe(false);
  });
});
