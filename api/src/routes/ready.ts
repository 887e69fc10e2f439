import { statfsSync } from "node:fs";
import type { Journal } from "@ballast/agent";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { Load } from "../plugins/shedding.ts";
import { Ready } from "../schemas/ready.ts";

export interface Readiness {
  readonly journal: Journal;
  readonly load: Load;
  readonly feed?: { isHealthy(): boolean } | undefined;
  /** Where the journal lies; without it disk space is not looked at. */
  readonly folder?: string | undefined;
  readonly minFreeMb: number;
}

const BYTES_PER_MB = 1024 * 1024;

export const ready: FastifyPluginCallbackTypebox<Readiness> = (app, options, done) => {
  const { journal, load, feed, folder, minFreeMb } = options;
  const canDo = (check: () => boolean): boolean => {
    try {
      return check();
    } catch (error) {
      app.log.error({ err: error }, "not ready");
      return false;
    }
  };
  const hasSpace = (path: string) => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize >= minFreeMb * BYTES_PER_MB;
  };
  app.get(
    "/ready",
    {
      schema: {
        tags: ["service"],
        summary: "Whether to send requests here",
        description:
          "What a load balancer asks: whether the journal can be read, the feed is healthy, there is disk space, and the service is not being stopped.",
        response: { 200: Ready, 503: Ready },
      },
    },
    (_request, reply) => {
      const checks = {
        isAccepting: !load.isClosing(),
        isJournalReadable: canDo(() => {
          journal.latestForecast();
          return true;
        }),
        isFeedHealthy: canDo(() => feed?.isHealthy() ?? true),
        hasDiskSpace: canDo(() => folder === undefined || hasSpace(folder)),
      };
      const isReady = Object.values(checks).every(Boolean);
      reply.header("cache-control", "no-store").code(isReady ? 200 : 503);
      return { isReady, checks };
    },
  );
  done();
};
