// Answers of the page's listener to what a test asks on standard input, as JSON.
import { Listener } from '../../elp/book/widgets/js/engine.js';
import { quickened, unpack } from '../../elp/book/widgets/js/layers.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const asked = JSON.parse(Buffer.concat(chunks));
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'base64'));
const listener = new Listener(quickened(await unpack(bytes(asked.weights), asked.layout), asked.layout), asked.sizes);
const clip = { ...(await unpack(bytes(asked.clip.data), asked.clip.layout)), frames: asked.clip.frames, widths: asked.clip.widths };
const found = asked.settings.map(({ codes, heads, ...settings }) => {
  const answer = listener.respond(clip, settings);
  const given = Uint8Array.from(codes);
  const beta = Array.from({ length: clip.frames }, (_, t) => [...listener.decode(given, t, settings.emotion, heads)]);
  return { codes: [...answer.codes], pose: [...answer.pose], shut: [...answer.shut], beta };
});
process.stdout.write(JSON.stringify(found));
