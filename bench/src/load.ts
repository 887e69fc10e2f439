import { connect, type Socket } from "node:net";

/** Sends GETs of one URL over keep-alive connections and counts the answers by the bytes of their bodies. */
export interface Load {
  /** Sends `requests` GETs, one outstanding per connection. Throws where an answer has not the first one's status and size. */
  run(requests: number): Promise<void>;
  /** Of one answer, headers and all. */
  readonly bytes: number;
  readonly status: number;
  close(): void;
}

const END_OF_HEADERS = "\r\n\r\n";
/** Of an answer whose head has not come. */
const AWAITED = -1;

/**
 * @param url answered alike each time, with a Content-Length
 * @param headers of every request
 */
export async function openLoad(
  url: string,
  connections: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Load> {
  const { hostname, port, pathname, search } = new URL(url);
  const fields = Object.entries({ host: `${hostname}:${port}`, ...headers }).map((field) => field.join(": "));
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${fields.join("\r\n")}${END_OF_HEADERS}`);
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => openSocket(hostname, Number(port))),
  );
  const { bytes, body, status } = await probe(sockets[0]!, request);
  return {
    bytes,
    status,
    async run(requests) {
      // A server ends what was idle for long, such as while another one was measured.
      for (const [i, socket] of sockets.entries())
        if (socket.destroyed || socket.readableEnded) sockets[i] = await openSocket(hostname, Number(port));
      let left = requests;
      await Promise.all(
        sockets.map(
          (socket) =>
            new Promise<void>((resolve, reject) => {
              let missing = 0;
              const next = () => {
                if (socket.destroyed) return finish(new Error(`${url} closed a connection`));
                if (left-- <= 0) return finish();
                missing = AWAITED;
                socket.write(request);
              };
              const onData = (chunk: Buffer) => {
                if (missing === AWAITED) {
                  const end = chunk.indexOf(END_OF_HEADERS);
                  if (end < 0 || chunk.toString("latin1", 9, 12) !== String(status))
                    return finish(new Error(`${url} answered ${chunk.toString("latin1", 0, 80)}`));
                  // Headers differ by a digit: what is left of a limit, the seconds until it is lifted.
                  missing = end + END_OF_HEADERS.length + body;
                }
                missing -= chunk.length;
                if (missing < 0)
                  finish(
                    new Error(`an answer of ${url} has a longer body than the first one's ${body} bytes`),
                  );
                else if (missing === 0) next();
              };
              const onClose = () => finish(new Error(`${url} closed a connection`));
              const finish = (error?: Error) => {
                socket.off("data", onData).off("close", onClose);
                if (error === undefined) resolve();
                else reject(error);
              };
              socket.on("data", onData).on("close", onClose);
              next();
            }),
        ),
      );
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const openSocket = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket.off("error", reject)));
    socket.on("error", reject);
  });

/** The size of an answer, from its own Content-Length. */
function probe(socket: Socket, request: Buffer): Promise<{ bytes: number; body: number; status: number }> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(END_OF_HEADERS);
      if (end < 0) return;
      const head = received.toString("latin1", 0, end);
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
      if (length === undefined) return reject(new Error(`no Content-Length: ${head}`));
      const bytes = end + END_OF_HEADERS.length + Number(length);
      if (received.length < bytes) return;
      socket.off("data", onData);
      resolve({ bytes, body: Number(length), status: Number(head.slice(9, 12)) });
    };
    socket.on("data", onData).write(request);
  });
}
