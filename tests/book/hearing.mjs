// What the page hears: rows of a sound, cues of rows, a sound at another rate; asked on standard input, as JSON.
import { Hearing } from '../../elp/book/widgets/js/hearing.js';
import { unpack } from '../../elp/book/widgets/js/layers.js';
import { Prosody } from '../../elp/book/widgets/js/prosody.js';
import { Resampler, Sound } from '../../elp/book/widgets/js/sound.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const asked = JSON.parse(Buffer.concat(chunks));
const found = {};

/** The parts of a series, cut at odd places: a microphone's blocks fit no frame. */
function* pieces(samples) {
  for (let at = 0, n = 1; at < samples.length; at += n, n = (7 * n + 128) % 1500) yield samples.subarray(at, at + n);
}

if (asked.sound) {
  const sound = new Sound(new Prosody(asked.silent));
  const rows = [...pieces(Float32Array.from(asked.sound))].flatMap((piece) => sound.push(piece));
  Object.assign(found, { mfcc: rows.map((row) => [...row.mfcc]), prosody: rows.map((row) => [...row.prosody]) });
}
if (asked.rate) {
  const resampler = new Resampler(asked.rate);
  found.resampled = [...pieces(Float32Array.from(asked.samples))].flatMap((piece) => [...resampler.push(piece)]);
}
if (asked.weights) {
  const hearing = new Hearing(await unpack(Uint8Array.from(Buffer.from(asked.weights, 'base64')), asked.layout), asked.sizes);
  found.cues = asked.rows.map((row) => {
    const cues = hearing.step(row);
    return Object.fromEntries(Object.entries(cues).map(([name, x]) => [name, [...x]]));
  });
}
process.stdout.write(JSON.stringify(found));
