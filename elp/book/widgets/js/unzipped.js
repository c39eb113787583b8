// Files that a script brought as text, or a kernel as bytes: elp.book.widgets.tracking writes them.

/** Bytes of { name: [count, characters of seven bits each] } or { name: bytes }, unzipped. */
export async function unzipped(files) {
  const rows = Object.entries(files).map(async ([name, held]) => {
    const stream = new Blob([Array.isArray(held) ? eights(...held) : held]).stream().pipeThrough(new DecompressionStream('gzip'));
    return [name, new Uint8Array(await new Response(stream).arrayBuffer())];
  });
  return Object.fromEntries(await Promise.all(rows));
}

function eights(count, text) {
  const out = new Uint8Array(count);
  for (let i = 0, at = 0, held = 0, bits = 0; i < count; i++) {
    while (bits < 8) {
      held = ((held << 7) | (text.charCodeAt(at++) & 0x7f)) & 0x7fff;
      bits += 7;
    }
    bits -= 8;
    out[i] = held >> bits;
  }
  return out;
}
