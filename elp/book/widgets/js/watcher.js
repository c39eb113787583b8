// In a worker: finds a face in the pictures that camera.js sends, and fits it.
import { createFit } from './fit.js';
import { unpack } from './layers.js';
import { createTracker } from './tracker.js';
import { unzipped } from './unzipped.js';

const PATIENCE = 50; // ms of a calibration between two turns at the messages that came

const watcher = { newest: null, working: false };

/** Messages, by their kind, and the answers:
 *  - files { files, layout }, once, as `elpTracker` brings them -> found { width }, how many numbers β has;
 *  - begin { turn }, of a new person; with null nobody is watched;
 *  - picture { picture, time }, a VideoFrame or an ImageBitmap -> seen { turn, time, beta, pose, blink, met, calibrated,
 *    spent }, the last in milliseconds. A picture that is not looked at before the next one comes has no answer, nor
 *    have those of a calibration being computed;
 *  - wrong { turn, why }, where one of these threw. */
onmessage = async ({ data }) => {
  try {
    if (data.kind === 'files') postMessage({ kind: 'found', ...(await wake(data)) });
    else if (data.kind === 'begin') begin(data.turn);
    else await shown(data);
  } catch (error) {
    wrong(error, watcher.turn);
  }
};

async function wake({ files, layout }) {
  const { face, ...others } = await unzipped(files);
  [watcher.tracker, watcher.model] = await Promise.all([createTracker(others), unpack(face, layout)]);
  return { width: watcher.model.deviation.length };
}

function wrong({ message }, turn) {
  postMessage({ kind: 'wrong', turn, why: message });
}

function begin(turn) {
  keep(null);
  const fit = turn === null ? null : createFit({ model: watcher.model, patience: PATIENCE });
  Object.assign(watcher, { turn, fit, fresh: true });
}

/** Holds the newest picture, in the older one's place. */
function keep(letter) {
  watcher.newest?.picture.close();
  watcher.newest = letter;
}

async function shown(letter) {
  keep(letter);
  if (watcher.working) return;
  watcher.working = true;
  while (watcher.newest) {
    const { turn, newest: { picture, time } } = watcher;
    watcher.newest = null;
    await look(picture, time).catch((error) => wrong(error, turn));
    await messages();
  }
  watcher.working = false;
}

async function look(picture, time) {
  const { tracker, fit, turn } = watcher;
  if (!fit) return picture.close();
  if (watcher.fresh) tracker.forget();
  watcher.fresh = false;
  const { data, width, height } = await pixels(picture);
  const begun = performance.now();
  const found = await tracker.track({ data, width, height });
  const tracked = performance.now();
  if (watcher.fit !== fit) return;
  const { beta, pose, blink, calibrated } = fit.push(found?.points ?? null, width, height);
  const spent = { bring: performance.timeOrigin + begun - time, track: tracked - begun, fit: performance.now() - tracked };
  postMessage({ kind: 'seen', turn, time, beta, pose, blink, met: Boolean(found), calibrated, spent });
  while (watcher.fit === fit && fit.busy) {
    fit.push(null);
    await messages();
  }
}

/** Once the messages that are there were received. */
function messages() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** A picture's { data, width, height } as of ImageData, until the next call; it is closed. */
async function pixels(picture) {
  try {
    return (await copied(picture)) ?? drawn(picture);
  } finally {
    picture.close();
  }
}

/** Null where a browser cannot copy a picture. Chromium keeps hundreds of megabytes of those that a canvas drew. */
async function copied(frame) {
  if (!frame.copyTo) return null;
  const { width, height } = frame.visibleRect;
  const asked = { format: 'RGBA' };
  try {
    if (frame.allocationSize(asked) !== 4 * width * height) return null; // an older browser knows no formats
    if (watcher.held?.length !== 4 * width * height) watcher.held = new Uint8ClampedArray(4 * width * height);
    await frame.copyTo(watcher.held, asked);
    return { data: watcher.held, width, height };
  } catch {
    return null;
  }
}

function drawn(picture) {
  const [width, height] = [picture.displayWidth ?? picture.width, picture.displayHeight ?? picture.height];
  watcher.pen ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const { canvas } = watcher.pen;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  watcher.pen.drawImage(picture, 0, 0);
  return { data: watcher.pen.getImageData(0, 0, width, height).data, width, height };
}
