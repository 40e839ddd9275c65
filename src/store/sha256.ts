const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (root: number) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const roundConstants = primes.map((prime) => fraction(Math.cbrt(prime)));
const initialState = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const rotate = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits));

/** The text's UTF-8 bytes, a 1 bit, zeros, and the length in bits, in whole blocks of 64 bytes. */
function padded(text: string): DataView {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(new ArrayBuffer(Math.ceil((bytes.length + 9) / 64) * 64));
  new Uint8Array(view.buffer).set(bytes);
  view.setUint8(bytes.length, 0x80);
  view.setBigUint64(view.byteLength - 8, BigInt(bytes.length) * 8n);
  return view;
}

function compress(state: readonly number[], schedule: readonly number[]): number[] {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (const [index, word] of schedule.entries()) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (roundConstants[index] ?? 0) + word) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((word, index) => (word + (state[index] ?? 0)) | 0);
}

/**
 * SHA-256 of a text's UTF-8 in hex (FIPS 180-4), for names derived from names. Synchronous, which Web Crypto
 * is not, and without an import, which this room does not have; files are hashed by `host.files.sha256`.
 */
export function sha256(text: string): string {
  const blocks = padded(text);
  let state: number[] = initialState;
  for (let block = 0; block < blocks.byteLength; block += 64) {
    const schedule: number[] = [];
    for (let index = 0; index < 64; index++) {
      const back = (distance: number) => schedule[index - distance] ?? 0;
      const s0 = rotate(back(15), 7) ^ rotate(back(15), 18) ^ (back(15) >>> 3);
      const s1 = rotate(back(2), 17) ^ rotate(back(2), 19) ^ (back(2) >>> 10);
      schedule.push(
        index < 16 ? blocks.getInt32(block + index * 4) : (back(16) + s0 + back(7) + s1) | 0,
      );
    }
    state = compress(state, schedule);
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
