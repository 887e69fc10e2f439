import { BallastError } from "@ballast/data";
import type { FastifyInstance } from "fastify";
import { type ApiOptions, createApi } from "./app.ts";

export interface StartOptions extends ApiOptions {
  /** Default: this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface RunningApi {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Lets requests under way finish, then frees the port. */
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

/** Serves until `close`. Errors: PortBusyError, AddressUnavailableError. */
export const startApi = async ({ host, port, ...options }: StartOptions): Promise<RunningApi> =>
  listenOn(await createApi(options), { host, port });

/** Gives a service its socket. Errors: PortBusyError, AddressUnavailableError. */
export async function listenOn(
  app: FastifyInstance,
  { host = "127.0.0.1", port }: { readonly host?: string | undefined; readonly port: number },
): Promise<RunningApi> {
  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
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
