import type { FeedEvent, Topic } from "@ballast/agent";

/** An event's place: ids are `<a>-<b>`, ordered by a, then by b. */
export type Place = readonly [number, number];

const ID = /^(\d{1,15})-(\d{1,15})$/;

/** Undefined where the text is no id. */
export function toPlace(id: string): Place | undefined {
  const match = ID.exec(id);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** Negative where `a` is before `b`, 0 where they are the same. */
export const comparePlaces = (a: Place, b: Place): number => a[0] - b[0] || a[1] - b[1];

/** An event as it goes over the wire: encoded once, the same bytes for every client. */
export interface Frame {
  readonly id: string;
  readonly place: Place;
  readonly topic: Topic;
  /** A field block of Server-Sent Events with its blank line. */
  readonly sse: Buffer;
  /** `{"id": …, "topic": …, "data": …}` */
  readonly message: Buffer;
}

export function toFrame({ id, topic, data }: FeedEvent): Frame {
  let message: Buffer | undefined;
  return {
    id,
    topic,
    place: toPlace(id) ?? [0, 0],
    sse: Buffer.from(`id: ${id}\nevent: ${topic}\ndata: ${toDataLines(data)}\n\n`),
    // Made when the first WebSocket asks for it: most services have none.
    get message() {
      message ??= Buffer.from(`{"id":${JSON.stringify(id)},"topic":${JSON.stringify(topic)},"data":${data}}`);
      return message;
    },
  };
}

/** A line break inside a field would end it (HTML Standard §9.2.6). */
export const toDataLines = (text: string): string => text.replace(/\r\n|\r|\n/g, "\ndata: ");
