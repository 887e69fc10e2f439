import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RawSeries } from "../src/market.ts";

/** What goes wrong with one request for bars. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number | string }
  | { readonly kind: "hang" } // no answer at all
  | { readonly kind: "stall" } // headers and half a body, then silence
  | { readonly kind: "cut" } // the connection breaks in the body
  | { readonly kind: "truncated" } // half a body, but the response ends properly
  | { readonly kind: "garbage" } // complete JSON that holds no bars
  | { readonly kind: "previous" } // the page before, once more
  | { readonly kind: "empty" }
  | { readonly kind: "shuffled" }; // newest first, some rows twice

export interface ServedExchange {
  readonly url: string;
  /** Opening times asked for, one entry for each request for bars, in order: `BTCUSDT 1640995200000`. */
  readonly requests: string[];
  close(): Promise<void>;
}

export interface ExchangeSetup {
  /** Pairs against USDT; each bar's opening time and interval decide what is served. */
  readonly series: readonly RawSeries[];
  readonly intervalMs: number;
  /** The exchange's clock. The bar that is open then is served too, as Binance does. */
  readonly now: number;
  /** Most rows of a page; Binance's own is 1,000. */
  readonly pageRows?: number;
  /** Faults by the number of the request for bars, counted from 0. */
  readonly faults?: Readonly<Record<number, Fault>>;
  /** Milliseconds before each page. */
  readonly delayMs?: number;
}

const filters = [
  { filterType: "PRICE_FILTER", minPrice: "0.00000001", maxPrice: "10000000.0", tickSize: "0.00000001" },
  { filterType: "LOT_SIZE", minQty: "0.00000001", maxQty: "90000000.0", stepSize: "0.00000001" },
  { filterType: "NOTIONAL", minNotional: "5.0", applyMinToMarket: true, maxNotional: "9000000.0" },
];

/**
 * A spot exchange on the loopback interface that speaks the part of Binance's REST protocol which public bars
 * need: `/api/v3/exchangeInfo`, `/api/v3/time`, `/api/v3/klines` with `startTime`, `endTime` and `limit`.
 */
export async function serveExchange(setup: ExchangeSetup): Promise<ServedExchange> {
  const { series, intervalMs, now, pageRows = 1000, faults = {}, delayMs = 0 } = setup;
  const requests: string[] = [];
  const pages = new Map<string, unknown[]>();

  const symbols = series.map(({ asset }) => ({
    symbol: `${asset}USDT`,
    status: "TRADING",
    baseAsset: asset,
    baseAssetPrecision: 8,
    quoteAsset: "USDT",
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    orderTypes: ["LIMIT", "MARKET"],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters,
    permissions: ["SPOT"],
    permissionSets: [["SPOT"]],
  }));

  function klines({ time, bars }: RawSeries, from: number, to: number, limit: number): unknown[][] {
    const rows: unknown[][] = [];
    for (let i = 0; i < time.length && rows.length < limit; i++) {
      if (time[i]! < from || time[i]! > Math.min(to, now)) continue;
      const prices = [bars.open, bars.high, bars.low, bars.close, bars.volume].map((column) =>
        String(column[i]),
      );
      rows.push([time[i], ...prices, time[i]! + intervalMs - 1, "0", 0, "0", "0", "0"]);
    }
    return rows;
  }

  const answer = (
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));

  function sendPage(
    response: ServerResponse,
    rows: unknown[],
    symbol: string,
    fault: Fault | undefined,
  ): void {
    const previous = pages.get(symbol) ?? [];
    const text = JSON.stringify(rows);
    const half = text.slice(0, text.length / 2);
    if (!fault) pages.set(symbol, rows);
    switch (fault?.kind) {
      case undefined:
        return void answer(response, 200, rows);
      case "status": {
        const headers = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
        return void answer(
          response,
          fault.status,
          { code: fault.status === 400 ? -1102 : -1000, msg: "injected" },
          headers,
        );
      }
      case "hang":
        return;
      case "stall":
        return void response.writeHead(200, { "content-length": text.length }).write(half);
      case "cut":
        response.writeHead(200, { "content-length": text.length }).write(half, () => response.destroy());
        return;
      case "truncated":
        return void response.writeHead(200, { "content-type": "application/json" }).end(half);
      case "garbage":
        return void answer(response, 200, [[null, "x"], []]);
      case "previous":
        return void answer(response, 200, previous);
      case "empty":
        return void answer(response, 200, []);
      case "shuffled":
        return void answer(response, 200, [...rows.toReversed(), ...rows.slice(0, 3)]);
    }
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://loopback");
    const number = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise);
    if (url.pathname === "/api/v3/time") return void answer(response, 200, { serverTime: now });
    if (url.pathname === "/api/v3/exchangeInfo")
      return void answer(response, 200, { timezone: "UTC", serverTime: now, rateLimits: [], symbols });
    if (url.pathname !== "/api/v3/klines") return void answer(response, 404, { code: -1, msg: url.pathname });

    const symbol = url.searchParams.get("symbol") ?? "";
    const found = series.find(({ asset }) => `${asset}USDT` === symbol);
    if (!found) return void answer(response, 400, { code: -1121, msg: "Invalid symbol." });
    const fault = faults[requests.length];
    requests.push(`${symbol} ${url.searchParams.get("startTime")}`);
    const limit = Math.min(number("limit", 500), pageRows);
    const rows = klines(found, number("startTime", 0), number("endTime", Infinity), limit);
    setTimeout(() => sendPage(response, rows, symbol, fault), delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
