import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Journal, openJournal } from "@ballast/agent";
import type { Browser, BrowserContext, Page, Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildDashboard, type RunningApi, startApi } from "../src/index.ts";
import { serveBacktests } from "./backtests-stub.ts";
import { findChromium, launch, settled, violationsOf } from "./browser.ts";
import { artefactsOf, decidedOf, forecastOf, MANIFEST, MODEL, word } from "./fixture.ts";
import { recordRun } from "./run.ts";

const chromium = findChromium();
if (chromium === undefined)
  console.log(
    "chromium is not installed (BALLAST_CHROMIUM names one): the dashboard is not tested in a browser",
  );

const SHOTS = fileURLToPath(new URL("../test-results", import.meta.url));
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;
const SCHEMES = ["light", "dark"] as const;

const score = (horizonHours: number, network: number) => ({
  horizonHours,
  qlike: { network, linear: 1, logHar: 1, ewma: 1.2 },
  ratioToLogHar: { network, linear: 1, logHar: 1, ewma: 1.2 },
  tAgainstLogHar: -2,
  tAgainstLinear: -1,
  coverage90: 0.9,
});
const manifestOf = (modelId: string, until: string, ratio: number) => ({
  ...MANIFEST,
  modelId,
  dataset: { ...MANIFEST.dataset, name: "synthetic", from: "2022-01-01T00:00:00Z", until },
  metrics: [score(1, ratio), score(24, ratio - 0.1)],
  calibration: {
    a: 0,
    b: 1,
    predictions: 1_000,
    frequency: 0.1,
    brierSkillRaw: 0.1,
    brierSkillCalibrated: 0.2,
  },
  breachNetwork: {
    ...MANIFEST.breachNetwork,
    breach: [{ band: 0.02, horizonHours: 24, predictions: 100, frequency: 0.1, auc: 0.8, brierSkill: 0.1 }],
  },
});
/** Losses that a hand wrote, in spans of thirty days; the later half by a second fit. */
const outOfSampleOf = (from: string, ratio: number) => {
  const at = (day: number) => new Date(Date.parse(from) + day * 864e5).toISOString();
  const bins = (shift: number) =>
    [400, 120, 40, 10].map((count, i) => ({ forecast: 0.05 + i / 10, observed: 0.04 + shift * i, count }));
  return {
    spans: [0, 1, 2, 3, 4, 5].map((k) => ({
      from: at(30 * k),
      until: at(30 * k + 29),
      fold: k < 3 ? 0 : 1,
      rows: 200,
      qlike: {
        network: [ratio + k / 50, 1.05 - k / 20],
        linear: [1.02, 0.99],
        logHar: [1, 1],
        ewma: [1.3 - k / 20, 1.6],
      },
    })),
    breach: { horizonHours: 24, from, until: at(179), raw: bins(0.06), recalibrated: bins(0.09) },
    quantiles: [1, 24].map((horizonHours) => ({
      horizonHours,
      rows: 1_200,
      levels: [0.05, 0.25, 0.5, 0.75, 0.95],
      observed: [0.06, 0.24, 0.49, 0.77, 0.94],
    })),
  };
};
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const MODELS = artefactsOf(
  MODEL,
  json({
    ...manifestOf(MANIFEST.modelId, "2024-01-01T00:00:00Z", 0.95),
    outOfSample: outOfSampleOf("2023-07-01T00:00:00Z", 0.9),
  }),
  json({
    ...manifestOf(word(77), "2023-07-01T00:00:00Z", 0.98),
    outOfSample: outOfSampleOf("2023-01-10T00:00:00Z", 0.97),
  }),
  // Trained before there was a record of its forecasts.
  json(manifestOf(word(78), "2023-04-01T00:00:00Z", 0.97)),
);

/** What an answer is over the wire where it was compressed, else what it would be by gzip. */
async function compressedSize(response: Response): Promise<number> {
  const { responseBodySize } = await response.request().sizes();
  const isCompressed = (await response.headerValue("content-encoding")) !== null;
  return isCompressed ? responseBodySize : gzipSync(await response.body()).length;
}

describe.skipIf(chromium === undefined)("the dashboard in a browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "dashboard-"));
  let browser: Browser;
  let journals: Journal[] = [];
  let api: RunningApi;
  let context: BrowserContext;
  /** What the browser's console complained of. */
  let complaints: string[] = [];

  async function serve(name: string): Promise<{ api: RunningApi; writer: Journal }> {
    const path = join(folder, `${name}.sqlite`);
    const writer = openJournal(path);
    const journal = openJournal(path, { readOnly: true });
    journals.push(writer, journal);
    const options = { artefacts: MODELS, logger: false, port: 0 } as const;
    return { writer, api: await startApi({ ...options, journal, dashboard: await buildDashboard() }) };
  }

  async function open(
    path: string,
    options: Parameters<Browser["newContext"]>[0] = {},
    prepare: (page: Page) => Promise<unknown> = async () => undefined,
  ): Promise<Page> {
    context = await browser.newContext({ viewport: SIZES.desktop, reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.on("console", (message) => {
      // A server that runs no backtests says so with a 404, and the browser writes that down.
      const isExpected = message.location().url.includes("/v1/backtests");
      if (message.type() === "error" && !isExpected) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await prepare(page);
    await page.goto(path.startsWith("http") ? path : `${api.url}/${path}`);
    return page;
  }

  const traded = async () =>
    (
      (await (await fetch(`${api.url}/v1/decisions?action=rebalance&limit=1`)).json()) as {
        items: { hash: string; run: string }[];
      }
    ).items[0]!;
  const verdictOn = async (page: Page): Promise<string> => {
    await page.click("#verify");
    return (await page.textContent("#verdict")) ?? "";
  };

  beforeAll(async () => {
    rmSync(SHOTS, { recursive: true, force: true });
    mkdirSync(SHOTS, { recursive: true });
    browser = await launch(chromium!);
    const served = await serve("journal");
    api = served.api;
    await recordRun(served.writer, "predictive");
  }, 120_000);
  afterEach(async () => {
    await context?.close();
    const found = complaints;
    complaints = [];
    expect(found).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
    for (const journal of journals) journal.close();
    journals = [];
    rmSync(folder, { recursive: true });
  });

  describe.each(Object.entries(SIZES))("on a %s", (size, viewport) => {
    test.each(SCHEMES)(
      "default: every page, %s: nothing overflows, no violation of accessibility",
      async (colorScheme) => {
        const { hash, run } = await traded();
        const page = await open("", { viewport, colorScheme });
        const pages = {
          overview: "#/",
          decisions: "#/decisions",
          decision: `#/decisions/${hash}?run=${run}`,
          models: "#/models",
          backtests: "#/backtests",
        };
        for (const [name, address] of Object.entries(pages)) {
          await page.goto(`${api.url}/${address}`);
          await settled(page);
          if (name === "decision") expect(await verdictOn(page)).toMatch(/^Holds: all 27 checks/);
          await page.screenshot({ path: join(SHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
          expect(
            await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
            name,
          ).toBeLessThanOrEqual(0);
          expect(await violationsOf(page), `${name} ${size} ${colorScheme}`).toEqual([]);
        }
      },
      180_000,
    );
  });

  test("default: the first view is small and soon there", async () => {
    const times: number[] = [];
    let bytes = 0;
    for (let round = 0; round < 3; round++) {
      bytes = 0;
      const sizes: Promise<number>[] = [];
      const page = await open("", {}, async (fresh) => {
        fresh.on("response", (response) => sizes.push(compressedSize(response)));
      });
      await settled(page);
      times.push(await page.evaluate<number>("performance.now()"));
      for (const size of await Promise.all(sizes)) bytes += size;
      await context.close();
    }
    const soonest = Math.min(...times);
    console.log(
      `first view: ${(bytes / 1e3).toFixed(0)} kB with its data, usable after ${soonest.toFixed(0)} ms`,
    );
    expect(bytes).toBeLessThan(200_000);
    expect(soonest).toBeLessThan(1_000);
  });

  test("behaviour: all of it by keyboard", async () => {
    const page = await open("");
    await settled(page);
    const focused = () => page.evaluate<string>("document.activeElement.textContent");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.focus('nav a[href="#/decisions"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector(".timeline");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    expect(await page.title()).toBe("Decisions · Ballast");
    for (let i = 0; i < 2; i++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("Trades");
    await page.keyboard.press("Enter");
    await page.waitForSelector('#filter-rebalance[aria-pressed="true"]');
    expect(await focused()).toBe("Trades");
    for (let i = 0; i < 2; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#verify");
    for (let i = 0; i < 2; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#verdict.good");
    await page.waitForSelector("[aria-live]:text-matches('^Holds')", { state: "attached" });
  });

  test("behaviour: holds in a row for one reason are one line, which opens to each of them", async () => {
    const page = await open("#/decisions");
    await settled(page);
    const group = page.locator("details.holds").first();
    const each = group.locator("a.row.hold");
    const said = Number.parseInt(await group.locator("summary strong").innerText(), 10);
    expect(said).toBeGreaterThan(3);
    expect(await each.count()).toBe(said);
    expect(await each.first().isVisible()).toBe(false);
    await group.locator("summary").press("Enter");
    expect(await each.first().isVisible()).toBe(true);
    const shown = await page.locator("a.row").count();
    const { items } = (await (await fetch(`${api.url}/v1/decisions?limit=100`)).json()) as {
      items: unknown[];
    };
    expect(shown).toBe(items.length);
  });

  const flip = (hex: string) => `${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}`;
  // biome-ignore lint/suspicious/noExplicitAny: a body as it comes over the wire, to be broken.
  test.each<[string, string, (body: any) => void, string]>([
    ["a trade", "v1/decisions/0x", (d) => (d.trades[0].amountIn = "1"), "The trades shown"],
    ["a weight", "v1/decisions/0x", (d) => (d.weights[1] += 0.001), "The weights shown"],
    [
      "a variance",
      "v1/decisions/0x",
      (d) => (d.forecast.assets[0].horizons[0].variance *= 2),
      "The forecast shown",
    ],
    ["the score", "v1/decisions/0x", (d) => (d.numbers.score += 1), "The score shown"],
    [
      "the evidence's decision",
      "evidence",
      (e) => (e.decision.breachPpm += 1),
      "The evidence is of the decision",
    ],
    [
      "the signature",
      "evidence",
      (e) => (e.offchain.sig.signature.r = flip(e.offchain.sig.signature.r)),
      "The signature",
    ],
    ["the vault's state", "evidence", (e) => (e.inputs.state.minScore -= 1), "The vault's state"],
    ["a feature", "evidence", (e) => (e.market.features = flip(e.market.features)), "The network's inputs"],
    [
      "a notary",
      "evidence",
      (e) => (e.market.notarySignatures = flip(e.market.notarySignatures)),
      "Notaries",
    ],
    ["the model's attestation", "evidence", (e) => e.references.shift(), "The model was attested"],
    ["the network", "v1/networks", (n) => (n.bytes = flip(n.bytes)), "The network is the one"],
  ])("error: Verify finds that %s was changed on the way", async (_what, part, change, title) => {
    const { hash } = await traded();
    const page = await open(`#/decisions/${hash}`, {}, (fresh) =>
      fresh.route(
        (url) => url.href.includes(part),
        async (route) => {
          const response = await route.fetch();
          const body = await response.json();
          change(body);
          await route.fulfill({ response, json: body });
        },
      ),
    );
    await settled(page);
    expect(await verdictOn(page)).toMatch(/^Does not hold/);
    expect(await page.locator(".checks .fail strong").allTextContents()).toContainEqual(
      expect.stringContaining(title),
    );
  });

  test("behaviour: without a stream it asks every ten seconds, and shows what is new", async () => {
    const { api: other, writer } = await serve("polled");
    const page = await open(`${other.url}/#/decisions`, {}, (fresh) => fresh.clock.install());
    await page.waitForSelector(".notice-title:text-is('No decisions yet')");
    await page.waitForSelector(".live.polling");
    writer.record("predictive", decidedOf(1, false), { policy: "predictive", forecast: forecastOf(1) });
    await page.clock.fastForward(10_000);
    await page.waitForSelector(".row");
    await other.close();
  });

  test("behaviour: where there is a stream, an event shows what is new", async () => {
    const { api: other, writer } = await serve("streamed");
    let events = 0;
    const page = await open(`${other.url}/#/decisions`, {}, async (fresh) => {
      await fresh.route("**/openapi.json", async (route) => {
        const response = await route.fetch();
        const document = await response.json();
        await route.fulfill({
          response,
          json: { ...document, paths: { ...document.paths, "/v1/stream": {} } },
        });
      });
      await fresh.route("**/v1/stream?**", async (route) => {
        if (events++ === 0)
          writer.record("predictive", decidedOf(1, false), { policy: "predictive", forecast: forecastOf(1) });
        await route.fulfill({
          contentType: "text/event-stream",
          body: "retry: 60000\nid: 1-0\nevent: decisions\ndata: {}\n\n",
        });
      });
    });
    await page.waitForSelector(".row");
    expect(events).toBe(1);
    await other.close();
  });

  test("error: a server without backtests says so", async () => {
    const page = await open("#/backtests");
    await page.waitForSelector("text=Backtests are not available on this server");
  });

  test("default: a backtest is started, watched, and shown with its frontier and trades", async () => {
    const page = await open("#/backtests", {}, serveBacktests);
    await settled(page);
    expect(await violationsOf(page)).toEqual([]);
    await page.screenshot({ path: join(SHOTS, "backtest-form.png"), fullPage: true });
    await page.fill("#field-band", "0.03");
    await page.click("#start");
    await page.waitForSelector("progress");
    await page.waitForSelector("text=predictive costs less");
    await settled(page);
    expect(await page.locator(".scatter .dot").count()).toBe(2);
    expect(await page.locator(".weight").count()).toBe(4);
    const files = page.locator("p:has(> .file-state) > a");
    expect(await files.allTextContents()).toEqual([
      "The full report",
      "The record of threshold",
      "The record of predictive",
    ]);
    expect(await files.first().getAttribute("download")).toBeNull();
    expect(await files.last().getAttribute("href")).toMatch(/^v1\/backtests\/\w+\/records\/predictive$/);
    expect(await violationsOf(page)).toEqual([]);
    await page.screenshot({ path: join(SHOTS, "backtest-result.png"), fullPage: true });
  });

  test("error: offline it keeps what it has read, says so, and goes on when it is back", async () => {
    const page = await open("");
    await settled(page);
    await context.setOffline(true);
    await page.waitForSelector(".banner:not([hidden])");
    expect(await page.textContent(".banner")).toMatch(/^Offline: this is what was read at \d\d:\d\d UTC/);
    expect(await page.locator(".weight").count()).toBe(3);
    await context.setOffline(false);
    await page.waitForSelector(".banner[hidden]", { state: "attached" });
    complaints = complaints.filter((text) => !text.includes("ERR_INTERNET_DISCONNECTED"));
  });

  test("error: a failing service is named, and can be tried again", async () => {
    let isDown = true;
    const page = await open("#/models", {}, (fresh) =>
      fresh.route("**/v1/models", (route) =>
        isDown
          ? route.fulfill({
              status: 503,
              json: { code: "UNAVAILABLE", detail: "The server could not answer." },
            })
          : route.continue(),
      ),
    );
    await page.waitForSelector("#retry");
    expect(await page.textContent(".notice")).toContain("The server could not answer.");
    expect(await violationsOf(page)).toEqual([]);
    isDown = false;
    await page.click("#retry");
    await page.waitForSelector("text=Accuracy against baselines");
    complaints = complaints.filter((text) => !text.includes("503"));
  });

  /** As a server that wants the key `sesame` for reading; the one behind knows no such key, and asks for none. */
  const lock = (fresh: Page, isRevoked: () => boolean = () => false) =>
    fresh.route("**/v1/**", async (route) => {
      const { authorization, ...headers } = await route.request().allHeaders();
      if (authorization === "Bearer sesame" && !isRevoked()) return route.continue({ headers });
      return route.fulfill({ status: 401, json: { code: "KEY_REQUIRED", detail: "Send an API key." } });
    });

  test("error: where reading wants a key it is asked for, sent, and kept for the tab", async () => {
    const page = await open("#/decisions", {}, lock);
    await page.fill("#key", "sesame");
    expect(await violationsOf(page)).toEqual([]);
    await page.click("#use-key");
    await page.waitForSelector(".row");
    await page.reload();
    await page.waitForSelector(".row");
    complaints = complaints.filter((text) => !text.includes("401"));
  });

  const EVIDENCE = "a:text-is('Download the evidence file')";
  const evidenceOf = async () => {
    const { hash, run } = await traded();
    const { offchainUid } = (await (await fetch(`${api.url}/v1/decisions/${hash}?run=${run}`)).json()) as {
      offchainUid: string;
    };
    const path = `v1/attestations/${offchainUid}/evidence`;
    return { page: `#/decisions/${hash}?run=${run}`, name: `${offchainUid}.json`, path };
  };
  /** What a browser saves where a link is followed by keyboard. */
  const savedFrom = async (page: Page, link: string) => {
    await page.focus(link);
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
  };

  test("default: without a key the evidence file is a plain link", async () => {
    const { page: address, name, path } = await evidenceOf();
    const page = await open(address);
    await settled(page);
    expect(await page.getAttribute(EVIDENCE, "href")).toBe(path);
    expect(await savedFrom(page, EVIDENCE)).toEqual({
      name,
      text: await (await fetch(`${api.url}/${path}`)).text(),
    });
    expect(await page.textContent(`p:has(> ${EVIDENCE}) .file-state`)).toBe("");
  });

  test("default: with a key the evidence file is read with it and saved, by keyboard too", async () => {
    const { page: address, name, path } = await evidenceOf();
    let isRevoked = false;
    const page = await open(address, {}, (fresh) => lock(fresh, () => isRevoked));
    await page.fill("#key", "sesame");
    await page.click("#use-key");
    await settled(page);
    expect(await savedFrom(page, EVIDENCE)).toEqual({
      name,
      text: await (await fetch(`${api.url}/${path}`)).text(),
    });
    const state = page.locator(`p:has(> ${EVIDENCE}) [role=status]`);
    expect(await state.textContent()).toBe(`Saved as ${name}.`);
    // The reader stays where they were, and is told what to do where it is refused or nobody answers.
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Download the evidence file");
    isRevoked = true;
    await page.keyboard.press("Enter");
    await page.waitForSelector(".file-state.bad");
    expect(await state.textContent()).toBe(
      "Not saved. Send an API key. Reload this page to give another key.",
    );
    expect(await violationsOf(page)).toEqual([]);
    isRevoked = false;
    await page.route(`**/${path}`, (route) => route.abort());
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Try again once it does.");
    await page.unroute(`**/${path}`);
    expect((await savedFrom(page, EVIDENCE)).name).toBe(name);
    expect(page.url()).toBe(`${api.url}/${address}`);
    complaints = complaints.filter((text) => !/401|ERR_FAILED/.test(text));
  });

  test("error: a decision that is not there", async () => {
    const page = await open(`#/decisions/${word(1)}`);
    await page.waitForSelector("text=There is no decision");
    complaints = complaints.filter((text) => !text.includes("404"));
  });

  test("default: losses over time and observed frequencies, each with its numbers as a table", async () => {
    const page = await open("#/models");
    await settled(page);
    const tableOf = (name: string) => page.locator(`[aria-label="Table: ${name}"]`);
    const course = tableOf("Loss over log-HAR's by span, 24 h ahead");
    expect(await course.locator("tbody tr").count()).toBe(6);
    const second = await course.locator("tbody tr").nth(1).locator("th, td").allTextContents();
    expect(second.slice(0, 5)).toEqual([
      "31\u00a0Jul\u00a02023",
      "29\u00a0Aug\u00a02023",
      "1",
      "200",
      "1.000",
    ]);
    // Span k is at 1.05 − k/20: worse, even, then better four times.
    expect(await page.textContent("body")).toContain("Better than log-HAR in 4 of 6 spans");
    expect(await tableOf("Observed breaches by forecast probability").locator("tbody tr").count()).toBe(8);
    expect(await tableOf("Share of outcomes at or below each quantile, by horizon").textContent()).toContain(
      "77.0 %",
    );
  });

  test("behaviour: a model without a record says so, alone and beside another", async () => {
    const page = await open("#/models");
    await settled(page);
    await page.selectOption("#other", word(78));
    await page.waitForSelector(`text=For ${word(78).slice(0, 10)}… synthetic this was not recorded`);
    await page.selectOption("#other", word(77));
    await page.waitForSelector(`.legend li:text-is("${word(77).slice(0, 10)}… synthetic")`);
    await settled(page);
    await page.screenshot({ path: join(SHOTS, "models-compared.png"), fullPage: true });
    await page.selectOption("#model", word(78));
    await page.waitForSelector(".notice-title:text-is('Not recorded')");
    await page.waitForSelector(".notice-title:text-is('Observed frequencies were not recorded')");
    expect(await violationsOf(page)).toEqual([]);
    await settled(page);
    await page.screenshot({ path: join(SHOTS, "models-not-recorded.png"), fullPage: true });
  });

  test("behaviour: models are compared, and the choice of colours is kept", async () => {
    const page = await open("#/models");
    await settled(page);
    await page.selectOption("#other", { index: 1 });
    await page.waitForSelector("th:text-is('Difference')");
    await page.click("#theme");
    await page.click("#theme");
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    await page.reload();
    await settled(page);
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(14, 20, 22)");
  });
});
