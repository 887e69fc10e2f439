import { BallastError } from "@ballast/data";
import type { FastifyInstance } from "fastify";
import { type ApiOptions, createApi } from "./app.ts";
import { toSettings } from "./config.ts";

export interface StartOptions extends ApiOptions {
  /** Default: that of the settings. */
  readonly host?: string;
  /** 0 takes any free one. Default: that of the settings. */
  readonly port?: number;
}

export interface RunningApi {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Lets requests under way finish, for as long as the settings allow, then frees the port. */
  close(): Promise<void>;
}

export class PortBusyError extends BallastError {
  readonly code = "PORT_BUSY";
  readonly port: number;
  constructor(host: string, port: number) {
    super(
      `Port ${port} on ${host} is in use. Stop what uses it, or choose another one with --port (0 takes any free one).`,
    );
    this.port = port;
  }
}

export class AddressUnavailableError extends BallastError {
  readonly code = "ADDRESS_UNAVAILABLE";
  readonly host: string;
  readonly port: number;
  constructor(host: string, port: number, reason: string) {
    super(
      `Cannot listen on ${host}, port ${port} (${reason}). Use an address of this machine, such as 127.0.0.1, and a port from 1024 on.`,
    );
    this.host = host;
    this.port = port;
  }
}

/** Serves until `close`. Errors: ApiSettingError, those of `readKeys`, PortBusyError, AddressUnavailableError. */
export async function startApi({ host, port, ...options }: StartOptions): Promise<RunningApi> {
  const settings = toSettings({
    ...options.settings,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
  });
  return listenOn(await createApi({ ...options, settings }), settings);
}

/** Gives a service its socket. Errors: PortBusyError, AddressUnavailableError. */
export async function listenOn(
  app: FastifyInstance,
  {
    host = "127.0.0.1",
    port,
    shutdownMs = 10_000,
  }: { readonly host?: string | undefined; readonly port: number; readonly shutdownMs?: number },
): Promise<RunningApi> {
  const close = async () => {
    const late = setTimeout(() => app.server.closeAllConnections(), shutdownMs);
    await app.close();
    clearTimeout(late);
  };
  try {
    return { url: await app.listen({ host, port }), close };
  } catch (error) {
    await app.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new PortBusyError(host, port);
    if (code !== undefined && ["EACCES", "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"].includes(code)) {
      throw new AddressUnavailableError(host, port, code);
    }
    throw error;
  }
}
