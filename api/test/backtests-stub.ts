import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Answers `/v1/backtests` in the browser, as the service's schemas have it, for a server that runs none itself. */
export async function serveBacktests(page: Page): Promise<void> {
  const id = "0123456789abcdef01234567";
  const labels = ["threshold", "predictive"];
  let asked = 0;
  const request = { policies: labels.map((name) => ({ name })) };
  const job = () => {
    // Twice the same: the page goes on asking while nothing changes.
    const done = Math.min(1_000, 250 * Math.floor(asked++ / 2));
    const isDone = done === 1_000;
    return {
      id,
      owner: "anyone",
      state: isDone ? "done" : "running",
      submittedAt: "2026-01-01T00:00:00.000Z",
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: isDone ? "2026-01-01T00:01:00.000Z" : null,
      progress: { step: "predictive", done, total: 1_000 },
      error: null,
      request,
      links: {
        self: `/v1/backtests/${id}`,
        events: `/v1/backtests/${id}/events`,
        report: isDone ? `/v1/backtests/${id}/report` : null,
        records: isDone
          ? Object.fromEntries(labels.map((label) => [label, `/v1/backtests/${id}/records/${label}`]))
          : {},
      },
    };
  };
  const metric = (metricId: string, label: string, unit: string) => ({
    id: metricId,
    label,
    unit,
    better: "less",
    meaning: label,
  });
  const estimate = (value: number) => ({ estimate: value, low: value * 0.9, high: value * 1.1 });
  const result = {
    headline: "predictive costs less than threshold at the same tracking error.",
    baseline: "threshold",
    market: { hash: "0x", from: 0, to: 1, barMs: 3_600_000 },
    metrics: [metric("trackingError", "Tracking error", "% a year"), metric("cost", "Cost", "bp a year")],
    policies: labels.map((name, i) => ({
      name,
      policy: request.policies[i],
      decisionsDigest: "0x",
      trades: 2,
      notes: [],
      metrics: { trackingError: estimate(1.2 - i * 0.2), cost: estimate(30 - 10 * i) },
      versus: null,
      costRatio: null,
    })),
  };
  const at = Array.from({ length: 200 }, (_, i) => Date.UTC(2024, 0, 1) + i * 3_600_000);
  const wave = at.map((_, i) => 0.5 + 0.018 * Math.sin(i / 9));
  const record = {
    assets: ["USDC", "BTC"],
    targets: [0.5, 0.5],
    bands: [0.02, 0.02],
    bars: { at, weights: [wave, wave.map((weight) => 1 - weight)] },
    trades: [40, 120].map((i) => ({ decidedAt: at[i], reason: "breach-forecast", soldDollars: 12_345 })),
  };

  await page.route("**/openapi.json", async (route) => {
    const response = await route.fetch();
    const document = (await response.json()) as { paths: object };
    await route.fulfill({
      response,
      json: { ...document, paths: { ...document.paths, "/v1/backtests": {} } },
    });
  });
  await page.route("**/v1/backtests**", async (route) => {
    if (route.request().method() !== "POST") return route.fulfill({ json: { items: [], nextCursor: null } });
    const body = route.request().postDataJSON();
    expect(body).toEqual({
      data: "binance",
      portfolio: { nav: 1_000_000, targets: { BTC: 0.25, ETH: 0.25, USDC: 0.5 }, bands: 0.03 },
      model: "linear",
      policies: [{ name: "threshold" }, { name: "predictive" }],
    });
    return route.fulfill({ status: 202, json: job() });
  });
  await page.route("**/v1/backtests/data-sets", (route) =>
    route.fulfill({
      json: {
        items: [
          {
            name: "binance",
            assets: ["BTC", "ETH"],
            from: "2021-01-01T00:00:00.000Z",
            until: "2022-01-01T00:00:00.000Z",
            intervalMs: 3_600_000,
          },
        ],
      },
    }),
  );
  await page.route(`**/v1/backtests/${id}`, (route) => {
    const now = job();
    return route.fulfill({ json: { ...now, result: now.state === "done" ? result : null } });
  });
  await page.route("**/records/*", (route) => route.fulfill({ json: record }));
}
