const ZERO = 0x30;
const DAY_MS = 86_400_000;
/** The digits of 00 to 99. */
const PAIRS = Uint8Array.from(
  { length: 200 },
  (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10),
);
/** First and last ms of the years 0 to 9999, whose ISO form has four digits. */
const [FIRST_MS, LAST_MS] = [-62_167_219_200_000, 253_402_300_799_999];

/**
 * Text as UTF-8 bytes in one buffer that grows and is used again: no string per cell, which is what makes exports
 * slow. Not for two at a time.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(1 << 20);
  #at = 0;
  #day = Number.NaN;
  readonly #date = new Uint8Array(11);

  reset(): void {
    this.#at = 0;
  }

  /** A copy of all that was written since `reset`. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  get length(): number {
    return this.#at;
  }

  truncate(length: number): void {
    this.#at = length;
  }

  byte(code: number): void {
    if (this.#at === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#at++] = code;
  }

  text(text: string): void {
    this.#reserve(3 * text.length);
    const start = this.#at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#at = start + this.#bytes.write(text, start);
        return;
      }
      this.#bytes[this.#at++] = code;
    }
  }

  /** The shortest decimal that reads back as the same double, as ECMAScript prints it. */
  number(value: number): void {
    this.#reserve(32);
    let x = value;
    if (x < 0) {
      this.#bytes[this.#at++] = 0x2d;
      x = -x;
    }
    if (x < 1e15 && x === Math.floor(x)) this.#whole(x);
    // Prices, mostly.
    else if (x >= 1e-2 && x < 1e9 && this.#decimal(x, 1e2, 2)) return;
    else if (x >= 1e-6 && x < 1e7 && this.#decimal(x, 1e8, 8)) return;
    else if (x >= 1e7 && x < 1e9 && this.#decimal(x, 1e6, 6)) return;
    else this.text(String(x));
  }

  /** ISO 8601 in UTC, with milliseconds only where there are some. */
  time(ms: number): void {
    if (!(ms >= FIRST_MS && ms <= LAST_MS)) {
      this.text(new Date(ms).toISOString());
      return;
    }
    this.#reserve(24);
    const day = Math.floor(ms / DAY_MS);
    if (day !== this.#day) {
      this.#date.set(Buffer.from(new Date(day * DAY_MS).toISOString().slice(0, 11), "latin1"));
      this.#day = day;
    }
    const bytes = this.#bytes;
    for (let i = 0; i < 11; i++) bytes[this.#at++] = this.#date[i]!;
    const inDay = ms - day * DAY_MS;
    const seconds = (inDay / 1000) | 0;
    const minutes = (seconds / 60) | 0;
    this.#pair((minutes / 60) | 0);
    bytes[this.#at++] = 0x3a;
    this.#pair(minutes % 60);
    bytes[this.#at++] = 0x3a;
    this.#pair(seconds % 60);
    const fraction = inDay - seconds * 1000;
    if (fraction > 0) {
      bytes[this.#at++] = 0x2e;
      this.#padded(fraction | 0, 3);
    }
    bytes[this.#at++] = 0x5a;
  }

  #pair(value: number): void {
    this.#bytes[this.#at++] = ZERO + ((value / 10) | 0);
    this.#bytes[this.#at++] = ZERO + (value % 10);
  }

  #padded(value: number, digits: number): void {
    const bytes = this.#bytes;
    let rest = value;
    let i = this.#at + digits;
    while (i - this.#at >= 2) {
      const next = (rest / 100) | 0;
      const pair = 2 * (rest - 100 * next);
      bytes[--i] = PAIRS[pair + 1]!;
      bytes[--i] = PAIRS[pair]!;
      rest = next;
    }
    if (i > this.#at) bytes[--i] = ZERO + rest;
    this.#at += digits;
  }

  /** 0 <= value < 1e15, whole. */
  #whole(value: number): void {
    if (value >= 1e9) {
      const high = Math.floor(value / 1e9);
      this.#whole(high);
      this.#padded(value - high * 1e9, 9);
      return;
    }
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    this.#padded(value, digits);
  }

  /**
   * A number of at most 15 significant digits, `places` of them behind the point. Where the nearest such decimal
   * reads back as the same double it is the shortest: no two of 15 digits are the same double.
   */
  #decimal(x: number, scale: number, places: number): boolean {
    const scaled = Math.floor(x * scale + 0.5);
    if (scaled / scale !== x) return false;
    const whole = Math.floor(scaled / scale);
    this.#whole(whole);
    this.#bytes[this.#at++] = 0x2e;
    this.#padded((scaled - whole * scale) | 0, places);
    while (this.#bytes[this.#at - 1] === ZERO) this.#at--;
    return true;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + count));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
