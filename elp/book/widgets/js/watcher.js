// In a worker: finds a face in the pictures that camera.js sends, and fits it.
import { createFit } from './fit.js';
import { unpack } from './layers.js';
import { createTracker } from './tracker.js';
import { unzipped } from './unzipped.js';

const PATIENCE = 200; // ms of a calibration between two messages

const watcher = {};

onmessage = async ({ data }) => {
  try {
    postMessage({ found: await answer(data) });
  } catch (error) {
    postMessage({ wrong: error.message });
  }
};

/** Answers a message; they come one at a time:
 *  - { files, layout }, once, as `elpTracker` brings them: { width }, how many numbers β has;
 *  - { begin }, of a new person;
 *  - { picture }, { data, width, height } as of ImageData, or null while the answers say `busy`: { beta, pose, blink, met, calibrated, busy,
 *    spent }, the last in milliseconds. */
async function answer({ files, layout, begin, picture }) {
  if (files) return wake(files, layout);
  return begin ? start() : look(picture);
}

async function wake(files, layout) {
  const { face, ...others } = await unzipped(files);
  [watcher.tracker, watcher.model] = await Promise.all([createTracker(others), unpack(face, layout)]);
  return { width: watcher.model.deviation.length };
}

function start() {
  watcher.fit = createFit({ model: watcher.model, patience: PATIENCE });
  watcher.tracker.forget();
}

async function look(picture) {
  const { tracker, fit } = watcher;
  const begun = performance.now();
  const found = picture && await tracker.track(picture);
  const tracked = performance.now();
  const { beta, pose, blink, calibrated } = fit.push(found?.points ?? null, picture?.width, picture?.height);
  const spent = { track: tracked - begun, fit: performance.now() - tracked };
  return { beta, pose, blink, met: Boolean(found), calibrated, busy: fit.busy, spent };
}
