import { afterAll, beforeAll } from "vitest";
import { decidedOf, startFixture } from "./fixture.ts";

/** A service over the fixture's journal for the tests of one file. */
export function serveFixture() {
  let fixture: Awaited<ReturnType<typeof startFixture>>;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());
  return {
    fixture: () => fixture,
    /** Of the third decision, which was attested off chain alone. */
    offchainUid: () => fixture.journal.get(decidedOf(3, false).hash)?.offchainUid ?? "0x",
    async get(url: string, headers: Record<string, string> = {}) {
      const response = await fixture.app.inject({ method: "GET", url, headers });
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.body,
        body: toJson(response.body),
      };
    },
  };
}

/** Undefined where it is none. */
function toJson(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The decision of the fixture that was executed. */
export const executed = decidedOf(5, true);
