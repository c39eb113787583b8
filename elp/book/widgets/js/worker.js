// Whole answers are computed beside the page: a message of settings in, an answer with its motion out.
import { Listener } from './engine.js';
import { quickened, unpack } from './layers.js';

const asked = {};

onmessage = async ({ data }) => {
  if (data.weights) {
    asked.start = start(data);
    return;
  }
  await asked.start;
  const { sizes, w } = asked.listener;
  const { clip, emotion, temperature, seed, heads } = data;
  const key = JSON.stringify([clip, emotion, temperature, seed]);
  if (asked.key !== key) asked.answer = asked.listener.respond(asked.clips[clip], { emotion, temperature, seed });
  asked.key = key;
  const { codes, pose, shut } = asked.answer;
  const frames = asked.clips[clip].frames;
  const beta = new Float32Array(frames * sizes.beta);
  for (let t = 0; t < frames; t++) {
    const said = asked.listener.decode(codes, t, emotion, heads);
    for (let d = 0; d < said.length; d++) beta[t * sizes.beta + d] = said[d] * w['beta.std'][d] + w['beta.mean'][d];
  }
  postMessage({ settings: data, codes, pose, shut, beta });
};

async function start({ weights, layout, sizes, clips }) {
  asked.listener = new Listener(quickened(await unpack(weights, layout), layout), sizes);
  asked.clips = await Promise.all(clips.map((clip) => opened(clip)));
}

/** A clip as `Listener.respond` takes it. */
async function opened({ data, layout, frames, widths }) {
  return Object.assign(await unpack(data, layout), { frames, widths });
}
