import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOUR_MS, isoTime, openBarStore, type RawSeries, syntheticSource, unixMillis } from "@ballast/data";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Ended, expectRefused, lastJson, newFolder, run, start, writeBars, writeRows } from "./child.ts";
import { serveKlines } from "./exchange.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const START = Date.UTC(2023, 0, 1);
const TRAINED = 2_200;
const HOURS = TRAINED + 1_000;
const UNTIL = isoTime(START + TRAINED * HOUR_MS);
const home = newFolder();
const CONFIG = `
data: { bars: bars }
until: ${UNTIL}
backend: wasm
training: { maxRows: 2000, hidden: [6], members: 1, maxEpochs: 2, folds: 2, calibrationTimes: 60 }
`;
let series: readonly RawSeries[];
let trained: Ended;
let modelId: string;

const rowsOf = (asset: string): number[][] =>
  JSON.parse(readFileSync(join(home, "bars", `${asset}_USDT-1h.json`), "utf8"));
const train = (...args: string[]) => run(home, ["train", "--config", "train.yaml", ...args]);
const models = (...args: string[]) => run(home, ["models", ...args]);

beforeAll(async () => {
  const source = syntheticSource({ seed: 3, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  ({ series } = await source.load({}));
  writeBars(join(home, "bars"), series);
  writeFileSync(join(home, "train.yaml"), CONFIG);
  trained = await train("--json");
  expect(trained.stderr).toMatch(/Manifest 0x[0-9a-f]{64} in \.ballast\/artefacts/);
  modelId = lastJson(trained).modelId;
});

describe("ballast train --config", () => {
  it("default: the file decides, the manifest records it, and a report lies beside", () => {
    const { configuration, dataset, backend } = lastJson(trained);
    expect(configuration).toMatchObject({ hidden: [6], folds: 2, maxRows: 2000, seed: 1 });
    expect(dataset).toMatchObject({ assets: ["BTC", "ETH"], until: UNTIL });
    expect(backend).toMatchObject({ name: "wasm", reproducible: true });
    const reports = join(home, ".ballast/artefacts/reports");
    expect(readdirSync(reports).sort()).toEqual([`${modelId}.html`, `${modelId}.json`]);
    const report = JSON.parse(readFileSync(join(reports, `${modelId}.json`), "utf8"));
    expect(report).toMatchObject({ format: "ballast-training-report/1", manifest: lastJson(trained) });
    expect(readFileSync(join(reports, `${modelId}.html`), "utf8")).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  });

  it("behaviour: --print-config shows the settings in force, options before settings before the file", async () => {
    const printed = await train(
      "--set",
      "training.folds=4",
      "--set",
      "training.seed=5",
      "--seed",
      "6",
      "--print-config",
    );
    expect(printed).toMatchObject({ status: 0, stderr: "" });
    writeFileSync(join(home, "printed.yaml"), printed.stdout);
    expect(printed.stdout).toMatch(/folds: 4\b/);
    expect(printed.stdout).toMatch(/seed: 6\b/);
    expect(printed.stdout).toMatch(/maxEpochs: 2\b/);
    expect((await run(home, ["train", "--config", "printed.yaml", "--print-config"])).stdout).toBe(
      printed.stdout,
    );
  });

  it("error: an unknown key, a value out of range, a missing file", async () => {
    const bad = join(home, "bad.yaml");
    const refused = async (text: string, message: RegExp) => {
      writeFileSync(bad, text);
      expectRefused(await run(home, ["train", "--config", "bad.yaml"]), message);
    };
    await refused(
      "training: { fold: 3 }",
      /^BAD_CONFIG: bad\.yaml: training\.fold is no key; did you mean folds\?/m,
    );
    await refused(
      "training: { folds: -1 }",
      /training\.folds is -1; allowed is a whole number from 1 to 100/,
    );
    expectRefused(
      await run(home, ["train", "--config", "none.yaml"]),
      /^BAD_CONFIG: none\.yaml: cannot be read \(ENOENT\)/m,
    );
    expectRefused(await train("--set", "folds=3"), /folds is no key/);
  });

  it("behaviour: --check repeats the training, bit for bit, from the manifest or the model's id", async () => {
    const check = await run(home, ["train", "--check", modelId, "--bars", "bars"]);
    expect(check.stdout).toMatch(
      /^same {2}data root: .*\nsame {2}configuration: .*\nsame {2}backend: .*\nsame {2}versions: /,
    );
    expect(check.stdout).toContain(`same  weights: ${modelId}\n`);
    expect(check.status).toBe(0);
  });

  it("error: --check on other data says that the root differs, and fails", async () => {
    writeRows(join(home, "other"), "BTC", rowsOf("BTC"));
    const changed = rowsOf("ETH").map((row, i) => (i === 900 ? [...row.slice(0, 5), row[5]! + 1] : row));
    writeRows(join(home, "other"), "ETH", changed);
    const check = await run(home, ["train", "--check", modelId, "--bars", "other"]);
    expect(check.stdout).toMatch(
      /^DIFFERS {2}data root: 0x\w{64} became 0x\w{64}\nThe training is not repeated/,
    );
    expect(check.status).toBe(1);
    expectRefused(
      await run(home, ["train", "--check", "0x12", "--bars", "bars"]),
      /^MANIFEST_MISSING: 0x12 /m,
    );
  });

  it("default: a fee beside the bars is forecast, its scores are shown, and --check repeats it", async () => {
    const bars = join(home, "fees");
    for (const asset of ["BTC", "ETH"]) writeRows(bars, asset, rowsOf(asset).slice(0, TRAINED));
    const source = syntheticSource({ seed: 3, hours: HOURS, start: unixMillis(START), assets: ["BTC"] });
    // It goes on after the last bar, as a feed does that is kept by itself.
    const fee = (await source.load({})).exogenous.find(({ name }) => name === "base_fee_gwei")!;
    const rows = Array.from(fee.value, (v, i) => `${isoTime(fee.publishedAt[i]!)},${v}`);
    writeFileSync(join(bars, "exogenous-base_fee_gwei.csv"), `published_at,value\n${rows.join("\n")}\n`);
    const own = ["--bars", "fees", "--artefacts", "fees-artefacts"];
    const ended = await train("--json", ...own);
    const { modelId: id, costs } = lastJson(ended);
    expect(costs.served).toMatchObject([{ series: "base_fee_gwei", transform: "log" }]);
    expect(ended.stderr).toMatch(/costs ahead {4}base_fee_gwei 24 h: R² /);
    const shown = await models("show", id, "--artefacts", "fees-artefacts");
    const lines = shown.stdout.split("\n").filter((line) => line.startsWith("costs ahead"));
    expect(lines.map((line) => line.split(":")[0])).toEqual(
      [1, 4, 24].map((hours) => `costs ahead    base_fee_gwei ${hours} h`),
    );
    const page = readFileSync(join(home, "fees-artefacts/reports", `${id}.html`), "utf8");
    expect(page).toContain("base_fee_gwei, 24 h");
    const check = await run(home, ["train", "--check", id, ...own]);
    expect(check.stdout).toContain("same  costs ahead: base_fee_gwei\n");
    expect(check.stdout).toContain(`same  weights: ${id}\n`);
    expect(check.status).toBe(0);
    expect((await models("show", modelId)).stdout).toContain("costs ahead    none");
  });

  it("error: a data set that changes while it is trained on is refused, and nothing is stored", async () => {
    for (const asset of ["BTC", "ETH"]) writeRows(join(home, "written"), asset, rowsOf(asset));
    const job = start(home, [
      "train",
      "--config",
      "train.yaml",
      "--bars",
      "written",
      "--artefacts",
      "unstored",
    ]);
    await job.until("stderr", /Training on 2 assets/);
    writeRows(
      join(home, "written"),
      "ETH",
      rowsOf("ETH").map((row, i) => (i === 50 ? [...row.slice(0, 5), row[5]! * 2] : row)),
    );
    expectRefused(
      await job.ended,
      /^DATASET_CHANGED: .* its root was 0x\w{64} and is now 0x\w{64}\. Nothing was stored/m,
    );
    expect(existsSync(join(home, "unstored"))).toBe(false);
  });

  it("error: an asset that died in the window", async () => {
    writeRows(join(home, "dead"), "BTC", rowsOf("BTC"));
    const died = rowsOf("ETH").map((row, i) => (i >= 2_000 ? [row[0]!, 7, 7, 7, 7, 0] : row));
    writeRows(join(home, "dead"), "ETH", died);
    expectRefused(
      await train("--bars", "dead"),
      /^DEAD_ASSET: the price of ETH does not move for 200 hours from 2023-03-25T08:00:00Z .* train until 2023-03-25/m,
    );
  });
});

describe("a training file that names an exchange", () => {
  it("behaviour: bars are fetched into the store first, and the data set is read from there", async () => {
    const exchange = await serveKlines(series[0]!);
    const file = (data: string) => `data: ${data}\nassets: [BTC]\nfrom: 2023-01-01\nuntil: 2023-01-03\n`;
    try {
      const fetched = `{ exchange: binance, url: "${exchange.url}", store: fetched }`;
      writeFileSync(join(home, "exchange.yaml"), file(fetched));
      const trained = await run(home, ["train", "--config", "exchange.yaml"]);
      // The exchange has one pair, and a portfolio needs two; by then the bars are in the store.
      expectRefused(trained, /^ONE_ASSET: binance-usdt-1h holds BTC only/m);
      expect(trained.stderr).toContain("Fetching BTC against USDT from binance since 2023-01-01.");
    } finally {
      exchange.close();
    }
    const store = await openBarStore(join(home, "fetched"));
    const kept = await store.read({ assets: ["BTC"], intervalMs: HOUR_MS });
    store.close();
    // Two days, and the bar after them that shows the last to be complete.
    expect(kept.series[0]!.time).toEqual(series[0]!.time.slice(0, 49));
    writeFileSync(join(home, "exchange.yaml"), "data: { exchange: binance }\n");
    expectRefused(
      await run(home, ["train", "--config", "exchange.yaml"]),
      /^BAD_CONFIG: .*needs assets and from/m,
    );
  });
});

describe("ballast models", () => {
  it("default: a champion, a challenger that must win, a forced one, and the way back", async () => {
    expectRefused(
      await models("rollback", "--reason", "x"),
      /^NOTHING_TO_ROLL_BACK: no model was ever promoted/m,
    );
    expectRefused(await models("show", "champion"), /^NO_CHAMPION: /m);
    expect(lastJson(await models("promote", modelId.slice(0, 10), "--json"))).toMatchObject({
      action: "promote",
      modelId,
      isForced: false,
      // 60 days after the last bar it was trained on.
      expiresAt: isoTime(Date.parse(UNTIL) + 60 * 24 * HOUR_MS),
    });

    const challenger = (await train("--seed", "2")).stdout.trim();
    expect(challenger).toMatch(/^0x[0-9a-f]{64}$/);
    const listed = await models("list");
    expect(listed.stdout).toContain(`* ${modelId}  until`);
    expect(listed.stdout).toContain(`  ${challenger}  until`);

    // Two seeds of one tiny model: neither beats the other at p < 0.05.
    const compared = lastJson(await models("compare", "champion", challenger, "--bars", "bars", "--json"));
    expect(compared).toMatchObject({ champion: modelId, challenger, from: UNTIL });
    expect(compared.pValue).toBeGreaterThan(0.05);
    const promote = (...args: string[]) => models("promote", challenger, "--bars", "bars", ...args);
    expectRefused(
      await promote(),
      /^NOT_PROMOTED: 0x\w{64} was not promoted: it did not beat the champion at p < 0\.05/m,
    );
    expectRefused(await promote("--force"), /^NO_REASON: /m);
    const forced = lastJson(
      await promote("--force", "--reason", "an experiment", "--expires-days", "7", "--json"),
    );
    expect(forced).toMatchObject({
      modelId: challenger,
      isForced: true,
      reason: "an experiment",
      evidence: null,
    });

    const back = lastJson(await models("rollback", "--reason", "the experiment is over", "--json"));
    expect(back).toMatchObject({ action: "rollback", modelId });
    const shown = lastJson(await models("show", "champion", "--json"));
    expect(shown.manifest.modelId).toBe(modelId);
    expect(shown.promotions.map(({ action }: { action: string }) => action)).toEqual(["promote", "rollback"]);
  });

  it("error: an unknown model, one of several, and too few bars to compare on", async () => {
    expectRefused(await models("show", "0xdead"), /^UNKNOWN_MODEL: There is no model 0xdead/m);
    expectRefused(await models("show", "0x"), /^UNKNOWN_MODEL: 0x could be any of 0x\w{64}, 0x\w{64}/m);
    for (const asset of ["BTC", "ETH"])
      writeRows(join(home, "short"), asset, rowsOf(asset).slice(0, TRAINED + 500));
    expectRefused(
      await models("compare", "champion", modelId, "--bars", "short"),
      /^WINDOW_TOO_SHORT: there are 499 hours of bars after .* a comparison needs 888/m,
    );
    expectRefused(await models("promote"), /missing required argument/, 2);
  });
});
