/**
 * As much of Node's Buffer as the rooms' hashing uses, for a browser that has none. A room that comes to use more of it
 * fails in the page's test, which verifies a decision.
 */
export class Bytes extends Uint8Array {
  static override from(source: unknown, second?: unknown, length?: number): Bytes {
    if (source instanceof ArrayBuffer) return new Bytes(source, second as number, length);
    if (typeof source !== "string") return new Bytes(source as ArrayLike<number>);
    if (second !== "hex") return new Bytes(new TextEncoder().encode(source));
    const bytes = new Bytes(source.length / 2);
    bytes.write(source, "hex");
    return bytes;
  }
  static alloc(length: number): Bytes {
    return new Bytes(length);
  }
  static concat(parts: readonly Uint8Array[]): Bytes {
    const all = new Bytes(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  private get view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }
  override toString(encoding?: string): string {
    return encoding === "hex"
      ? Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("")
      : new TextDecoder().decode(this);
  }
  write(hex: string, at: number | "hex", _encoding?: "hex"): number {
    const offset = at === "hex" ? 0 : at;
    for (let i = 0; i < hex.length / 2; i++)
      this[offset + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    return hex.length / 2;
  }
  copy(target: Uint8Array, at = 0): number {
    target.set(this, at);
    return this.length;
  }
  readInt16BE(at: number): number {
    return this.view.getInt16(at);
  }

  // Each returns where the next one goes, as Node's do.
  writeUInt8(value: number, at = 0): number {
    this.view.setUint8(at, value);
    return at + 1;
  }
  writeUInt16BE(value: number, at = 0): number {
    this.view.setUint16(at, value);
    return at + 2;
  }
  writeInt16BE(value: number, at = 0): number {
    this.view.setInt16(at, value);
    return at + 2;
  }
  writeUInt32BE(value: number, at = 0): number {
    this.view.setUint32(at, value);
    return at + 4;
  }
  writeBigUInt64BE(value: bigint, at = 0): number {
    this.view.setBigUint64(at, value);
    return at + 8;
  }
  writeBigInt64BE(value: bigint, at = 0): number {
    this.view.setBigInt64(at, value);
    return at + 8;
  }
  writeDoubleBE(value: number, at = 0): number {
    this.view.setFloat64(at, value);
    return at + 8;
  }
}

if (!("Buffer" in globalThis)) Object.assign(globalThis, { Buffer: Bytes });
