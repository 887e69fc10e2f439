import { BallastError } from "@ballast/data";
import type { FastifyInstance } from "fastify";
import { isLoopback, type Settings } from "../config.ts";

export class HostRefusedError extends BallastError {
  readonly code = "HOST_REFUSED";
  constructor(host: string) {
    super(
      `This server does not answer for ${host.slice(0, 80)}. Ask it by its own address, or have its operator name that host with --hosts.`,
    );
  }
}

/** Without its port and the brackets of an IPv6 address. */
const nameOf = (host: string): string => /^\[?(.*?)\]?(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase() ?? host;
const isOfThisMachine = (name: string): boolean => isLoopback(name) || name.endsWith(".localhost");

/**
 * Refuses requests for another host than this one, where it reads to everybody on its own machine: a page from elsewhere
 * whose name is pointed at this machine (DNS rebinding) is of the same origin to the browser, which CORS lets read all.
 */
export function guardHosts(
  app: FastifyInstance,
  settings: Pick<Settings, "host" | "hosts" | "publicReads">,
): void {
  if (settings.hosts.includes("*")) return;
  const named = new Set(settings.hosts.map(nameOf));
  if (named.size === 0 && !(settings.publicReads && isLoopback(settings.host))) return;
  named.add(settings.host.toLowerCase());
  app.addHook("onRequest", ({ headers: { host } }, _reply, done) => {
    // A browser always says which host it means.
    const name = host === undefined ? undefined : nameOf(host);
    const isMeant = name === undefined || isOfThisMachine(name) || named.has(name);
    done(isMeant ? undefined : new HostRefusedError(name));
  });
}
