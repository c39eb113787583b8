// The reader as the listener sees them: from a camera's stream to a speaker's β, pose and blink. Pictures are looked at
// by a worker (watcher.js), so that the page never waits for them, and forgotten.

const MISSED = 13; // pictures without a face that are worth saying
const KEPT = 12; // of what was seen last, half a second

/** A `Camera`, of what `elpTracker` brings: `files`, and the face model's `layout`. */
export async function createCamera({ files, layout }) {
  const eyes = new Eyes();
  try {
    return new Camera(eyes, await eyes.ask({ kind: 'files', files, layout }));
  } catch (error) {
    eyes.end();
    throw error;
  }
}

/** The worker: `ask` what it answers once, `show` it pictures of which it looks at the newest whenever it is free. */
class Eyes {
  constructor() {
    // a page opened from a disk may start no worker from a file, and a worker import nothing of the page's
    const url = URL.createObjectURL(new Blob([WATCHER], { type: 'text/javascript' }));
    this.worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.worker.onmessage = ({ data }) => this[data.kind](data);
    this.worker.onerror = () => this.wrong({ turn: this.turn, why: 'the browser refuses a worker' });
    Object.assign(this, { found() {}, wrong() {}, seen() {} }); // what to do with each kind of message
  }

  ask(message) {
    return new Promise((resolve, reject) => {
      Object.assign(this, { found: resolve, wrong: ({ why }) => reject(new Error(why)) });
      this.worker.postMessage(message);
    });
  }

  /** A new person, who is called `turn`; with null nobody. What comes of the one before is left. */
  begin(turn, seen, wrong) {
    const own = (what) => (found) => { if (found.turn === turn) what?.(found); };
    Object.assign(this, { turn, seen: own(seen), wrong: own(wrong) });
    this.worker.postMessage({ kind: 'begin', turn });
  }

  /** A picture, given away, and when it was taken. */
  show(picture, time) {
    this.worker.postMessage({ kind: 'picture', picture, time: performance.timeOrigin + time }, [picture]);
  }

  end() {
    this.worker.terminate();
  }
}

/** `seen` is the newest { beta, pose, blink, time }, as a model's speaker has them: of somebody who keeps still until
 *  the face is known, in the last pose while it is lost; `time` is the picture's, as performance.now() counts. `state`
 *  is 'closed', 'looking', 'calibrating', 'watching', 'lost', or 'failed' where numbers made no sense: it is closed
 *  then, and can be opened again. `spent` says, in milliseconds, how old the newest picture was when its numbers were
 *  there, `all`, and of it until the worker had its pixels, `bring`, and then there, `track` and `fit`; the rest is
 *  messages. */
class Camera {
  constructor(eyes, { width }) {
    Object.assign(this, { eyes, turn: 0, video: document.createElement('video'), state: 'closed', say: () => {} });
    Object.assign(this.video, { muted: true, playsInline: true });
    this.still = { beta: new Float32Array(width), pose: new Float32Array(6), blink: 0, time: 0 };
    this.past = [this.still];
  }

  get seen() {
    return this.past.at(-1);
  }

  /** Watches a stream until `close`; `say(state)` is called when the state changes. */
  async open(stream, say = () => {}) {
    this.close();
    const turn = this.turn;
    Object.assign(this, { stream, say, missed: 0, looked: 0, spent: {} });
    this.become('looking');
    this.video.srcObject = stream;
    await this.video.play();
    if (this.turn !== turn) return;
    this.eyes.begin(turn, (found) => this.see(found), () => this.close('failed'));
    this.watch(turn).catch(() => { if (this.turn === turn) this.close('failed'); });
  }

  /** Ends; the camera's light goes off. */
  close(state = 'closed') {
    this.stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    Object.assign(this, { turn: this.turn + 1, stream: null, past: [this.still] });
    this.eyes.begin(null);
    this.video.srcObject = null;
    this.become(state);
  }

  /** Closes, and cannot be opened again. */
  end() {
    this.close();
    this.eyes.end();
  }

  /** What was seen at a time, with the time of the newest picture that tells it: between two pictures β and pose go
   *  straight from one to the other, after the newest they stay. */
  at(time) {
    const later = this.past.findIndex((each) => each.time > time);
    if (later < 1) return later ? this.seen : this.past[0];
    const [one, other] = this.past.slice(later - 1, later + 1);
    const share = (time - one.time) / (other.time - one.time);
    const between = (values, others) => values.map((value, k) => value + share * (others[k] - value));
    return { beta: between(one.beta, other.beta), pose: between(one.pose, other.pose), blink: (share < 0.5 ? one : other).blink, time: other.time };
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.say(state);
  }

  /** All pictures go to the worker, which leaves out those that it has no time for: the newest is there when it has. */
  async watch(turn) {
    for (;;) {
      const time = await next(this.video);
      if (this.turn !== turn) return;
      if (!this.video.videoWidth) continue;
      const picture = globalThis.VideoFrame ? new VideoFrame(this.video) : await createImageBitmap(this.video);
      if (this.turn === turn) this.eyes.show(picture, time);
      else picture.close();
    }
  }

  see({ beta, pose, blink, met, calibrated, spent, time: taken }) {
    const time = taken - performance.timeOrigin;
    this.spent = { ...spent, all: performance.now() - time };
    this.looked++;
    this.missed = met ? 0 : this.missed + 1;
    this.past = [...this.past.slice(1 - KEPT), { beta, pose, blink: Number(blink), time }];
    if (this.missed >= MISSED) this.become(calibrated ? 'lost' : 'looking');
    else if (met) this.become(calibrated ? 'watching' : 'calibrating');
  }
}

/** When the video's next picture was taken, once it is there; or a little later where a browser does not tell. */
function next(video) {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(performance.now()), 250);
    video.requestVideoFrameCallback?.((now, { captureTime }) => {
      clearTimeout(late);
      resolve(captureTime ?? now);
    });
  });
}
