// WebAssembly written by hand: kernels that the page's arithmetic spends its time in, four numbers at once.

const simd = (...code) => [0xfd, ...code];

/** Its instructions, as lists of bytes. */
export const CODE = {
  simd,
  get: (local) => [0x20, local],
  set: (local) => [0x21, local],
  load: (at) => simd(0x00, 2, at), // of four numbers, so many bytes behind an address
  plus: simd(0xe4, 1), // of vectors
  times: simd(0xe6, 1),
  add: [0x92], // of numbers
  sum: [0x6a], // of addresses
  ahead: (bytes) => [0x41, bytes, 0x6a],
  again: [0x03, 0x40], // what follows, up to
  below: [0x49, 0x0d, 0, 0x0b], // while one address is below another
};

/** A function of `count` addresses that computes on a memory: `body` is its code, `vectors` how many local ones it has,
 *  numbered after the addresses. */
export function compiled(memory, count, vectors, body) {
  const code = [1, vectors, 0x7b, ...body, 0x0b];
  const long = (size) => [(size & 0x7f) | 0x80, size >> 7];
  const section = (kind, parts) => [kind, ...long(parts.length), ...parts];
  const bytes = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, count, ...Array(count).fill(0x7f), 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x62, 0, 0]),
    ...section(10, [1, ...long(code.length), ...code]),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } }).exports.b;
}
