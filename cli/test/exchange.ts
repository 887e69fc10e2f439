import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HOUR_MS, type RawSeries } from "@ballast/data";

export interface ServedExchange {
  readonly url: string;
  /** Paths asked for, without their queries. */
  readonly asked: string[];
  close(): void;
}

const filters = [
  { filterType: "PRICE_FILTER", minPrice: "0.00000001", maxPrice: "10000000.0", tickSize: "0.00000001" },
  { filterType: "LOT_SIZE", minQty: "0.00000001", maxQty: "90000000.0", stepSize: "0.00000001" },
];

/** One pair's hourly bars over Binance's public REST protocol, on the loopback interface. */
export async function serveKlines({ asset, time, bars }: RawSeries): Promise<ServedExchange> {
  const symbol = `${asset}USDT`;
  const market = {
    symbol,
    status: "TRADING",
    baseAsset: asset,
    baseAssetPrecision: 8,
    quoteAsset: "USDT",
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    isSpotTradingAllowed: true,
    permissionSets: [["SPOT"]],
    filters,
  };
  const toKline = (at: number, i: number) => {
    const values = [bars.open, bars.high, bars.low, bars.close, bars.volume].map((column) => `${column[i]}`);
    return [at, ...values, at + HOUR_MS - 1, "0", 0, "0", "0", "0"];
  };
  const klines = Array.from(time, toKline);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://loopback");
    asked.push(pathname);
    const from = Number(searchParams.get("startTime"));
    const answers: Readonly<Record<string, () => unknown>> = {
      "/api/v3/exchangeInfo": () => ({ timezone: "UTC", rateLimits: [], symbols: [market] }),
      "/api/v3/klines": () =>
        klines.filter(([at]) => (at as number) >= from).slice(0, Number(searchParams.get("limit") ?? 500)),
    };
    const body = answers[pathname]?.() ?? {};
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
