// What the page's fit finds in the frames that a test gives on standard input, as JSON.
import { CausalFit, createFit, energyOf } from '../../elp/book/widgets/js/fit.js';
import { unpack } from '../../elp/book/widgets/js/layers.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { data, layout, points, frames, width, height, known } = JSON.parse(Buffer.concat(chunks));
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'base64'));
const model = await unpack(bytes(data), layout);
const all = new Float32Array(bytes(points).buffer);
const rows = Array.from({ length: all.length / 1434 }, (_, t) => all.subarray(1434 * t, 1434 * (t + 1)));
const seen = (row) => (Number.isFinite(row[0]) ? row : null);
const fit = createFit({ model, frames, patience: Infinity });
if (known) {
  const { mean, focal, noise, last, rest, origin, open } = known;
  const energy = energyOf({ ...model, mean }).with({ focal, noise });
  fit.fit = new CausalFit(energy, { last: Float64Array.from(last), rest, origin, open });
} else {
  for (const row of rows.slice(0, frames)) fit.push(seen(row), width, height);
  fit.push(null, width, height); // as long as the calibration takes
}
const found = rows.slice(frames).map((row) => fit.push(seen(row), width, height));
const { energy, origin } = fit.fit;
const list = (array) => Array.from(array);
process.stdout.write(JSON.stringify({
  found: found.map(({ beta, pose, ear, blink }) => ({ beta: list(beta), pose: list(pose), ear, blink })),
  ...{ focal: energy.focal, noise: energy.noise, mean: list(energy.mean), origin },
}));
