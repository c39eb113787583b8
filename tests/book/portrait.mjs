// Where the page puts the vertices of a portrait in the frames that a test gives on standard input, as JSON.
import { Moving, readPortrait } from '../../elp/book/widgets/js/portrait.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { file, frames } = JSON.parse(Buffer.concat(chunks));
const portrait = new Moving(readPortrait(Uint8Array.from(Buffer.from(file, 'base64')).buffer));
const list = (values) => Array.from(values);
process.stdout.write(JSON.stringify(frames.map(({ beta, pose }) => {
  const { moved, depth, skull, closure, gaze } = portrait.vertices(Float64Array.from(beta), Float64Array.from(pose));
  return { moved: list(moved), depth: list(depth), skull: list(skull), closure, gaze };
})));
