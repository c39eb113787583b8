// In a worker: finds a face in a camera's pictures, and fits it.
import { createFit } from './fit.js';
import { Pictures, copied } from './pictures.js';
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
 *  - { begin, readable }, of a new person; the second is the camera's stream of VideoFrames where a browser gives one;
 *  - { picture, time }, a VideoFrame or { data, width, height } as of ImageData, and when it was taken, since the epoch; left
 *    out where there is a stream, or while the answers say `busy`: { beta, pose, blink, met, calibrated, busy, time,
 *    spent }, the last in milliseconds, with `looked`, whether there was a picture; or { ended }, where the stream has none left. */
async function answer({ files, layout, begin, readable, picture, time }) {
  if (files) return wake(files, layout);
  if (begin) return start(readable);
  if (watcher.fit.busy) return { ...fitted(null), looked: false };
  const [taken, when] = picture ? [picture, time] : await watcher.pictures.next();
  return taken ? look(taken, when) : { ended: true };
}

async function wake(files, layout) {
  const { face, ...others } = await unzipped(files);
  [watcher.tracker, watcher.model] = await Promise.all([createTracker(others), unpack(face, layout)]);
  return { width: watcher.model.deviation.length };
}

function start(readable) {
  watcher.fit = createFit({ model: watcher.model, patience: PATIENCE });
  watcher.pictures = readable && new Pictures(readable);
  watcher.tracker.forget();
}

/** Finds and fits the face in a picture that was taken at a time, since the epoch. */
async function look(shown, time) {
  const picture = await copied(shown);
  const begun = performance.now();
  const found = await watcher.tracker.track(picture);
  const tracked = performance.now();
  const answer = fitted(found?.points ?? null, picture.width, picture.height);
  const ended = performance.now();
  const spent = { bring: performance.timeOrigin + begun - time, track: tracked - begun, fit: ended - tracked };
  return { ...answer, looked: true, met: Boolean(found), time, spent };
}

function fitted(points, width, height) {
  const { fit } = watcher;
  const { beta, pose, blink, calibrated } = fit.push(points, width, height);
  return { beta, pose, blink, calibrated, busy: fit.busy };
}
