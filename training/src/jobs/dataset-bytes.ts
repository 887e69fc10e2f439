import { endianness } from "node:os";
import { BallastError, canonicalJson } from "@ballast/data";
import type { Dataset } from "../dataset.ts";

const FORMAT = "ballast-dataset/2";
/** In the order in which they lie in the bytes; those of the earlier rows are empty where there are none. */
const TABLES = [
  "times",
  "features",
  "targets",
  "ewma",
  "earlierTimes",
  "earlierAsset",
  "earlierFeatures",
  "earlierTargets",
] as const;
type Tables = Readonly<Record<(typeof TABLES)[number], Float64Array>>;
const NONE = new Float64Array();
const NUMBER_BYTES = Float64Array.BYTES_PER_ELEMENT;

export class BadDatasetError extends BallastError {
  readonly code = "BAD_DATASET";
  constructor(detail: string) {
    super(`these bytes are no ${FORMAT}: ${detail}. Start the sweep again; it stores its data set anew.`);
  }
}

interface Header {
  readonly format: typeof FORMAT;
  readonly assets: readonly string[];
  readonly strideHours: number;
  /** Numbers in each table. */
  readonly lengths: Readonly<Record<(typeof TABLES)[number], number>>;
}

/**
 * A data set as bytes, equal for equal content, so that their hash names it: the length of the header as four
 * bytes, the header as canonical JSON padded with spaces to a multiple of eight, then the tables as
 * little-endian 64-bit floats.
 */
export function datasetBytes(dataset: Dataset): Uint8Array {
  const { assets, strideHours, times, features, targets, ewma, earlier } = dataset;
  const tables: Tables = {
    times,
    features,
    targets,
    ewma,
    earlierTimes: earlier?.times ?? NONE,
    earlierAsset: earlier?.asset ?? NONE,
    earlierFeatures: earlier?.features ?? NONE,
    earlierTargets: earlier?.targets ?? NONE,
  };
  const lengths = Object.fromEntries(TABLES.map((name) => [name, tables[name].length]));
  const header = canonicalJson({ format: FORMAT, assets, strideHours, lengths });
  const start = Math.ceil((4 + Buffer.byteLength(header)) / NUMBER_BYTES) * NUMBER_BYTES;
  const size = TABLES.reduce((sum, name) => sum + tables[name].byteLength, start);
  const bytes = new Uint8Array(size).fill(0x20, 0, start);
  new DataView(bytes.buffer).setUint32(0, start - 4, true);
  bytes.set(Buffer.from(header), 4);
  let at = start;
  for (const name of TABLES) {
    const { buffer, byteOffset, byteLength } = tables[name];
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  toLittleEndian(bytes.subarray(start));
  return bytes;
}

/** The data set of `datasetBytes`. Throws BadDatasetError. */
export function readDataset(bytes: Uint8Array): Dataset {
  const header = readHeader(bytes);
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const size = TABLES.reduce((sum, name) => sum + header.lengths[name] * NUMBER_BYTES, start);
  if (size !== bytes.length) throw new BadDatasetError(`${bytes.length} bytes instead of ${size}`);
  let at = start;
  const table = (name: (typeof TABLES)[number]) => {
    const from = at;
    at += header.lengths[name] * NUMBER_BYTES;
    const own = new Uint8Array(bytes.subarray(from, at));
    toLittleEndian(own);
    return new Float64Array(own.buffer);
  };
  const times = table("times");
  const features = table("features");
  const targets = table("targets");
  const ewma = table("ewma");
  const earlier = {
    times: table("earlierTimes"),
    asset: table("earlierAsset"),
    features: table("earlierFeatures"),
    targets: table("earlierTargets"),
  };
  return {
    assets: header.assets,
    strideHours: header.strideHours,
    times,
    features,
    targets,
    ewma,
    ...(earlier.times.length > 0 && { earlier }),
  };
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 4) throw new BadDatasetError(`${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  try {
    const header = JSON.parse(Buffer.from(bytes.subarray(4, 4 + length)).toString()) as Header;
    if (header.format === FORMAT) return header;
  } catch {
    // Said below.
  }
  throw new BadDatasetError("its header cannot be read");
}

/** Between the machine's order of bytes and the little-endian one, in place. */
function toLittleEndian(bytes: Uint8Array): void {
  if (endianness() === "BE") Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap64();
}
