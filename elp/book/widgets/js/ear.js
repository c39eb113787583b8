// Somebody speaks, the listener answers: a frame of motion for each 40 ms of sound, stepped by the sound's own clock.
import { Conversation } from './engine.js';
import { Hearing } from './hearing.js';
import { Moments } from './moments.js';
import { Prosody } from './prosody.js';
import { FPS, Resampler, Sound } from './sound.js';

const CLOSING = 2; // frames in which lids close
const OPENING = 3;
const LATE = 0.6; // s behind the sound beyond which frames are left out
const HUSH = 75; // frames without any sound after which it is said
const NOTHING = -7; // log10 of a power that no microphone's noise falls below
const DEGREES = 180 / Math.PI;

/** One conversation. `seen(frame, ago)` tells the speaker's { beta, pose, blink } in a frame whose middle was `ago` seconds
 *  before now; `now()` is the sound's clock. */
export class Ear {
  constructor({ listener, hearing, sizes, named, settings, seen, now }) {
    Object.assign(this, { named, seen, now, frame: 0, leftOut: 0, share: 0, hush: 0 });
    this.prosody = new Prosody(sizes.silent);
    this.sound = new Sound(this.prosody);
    this.hearing = new Hearing(hearing, sizes);
    this.conversation = new Conversation(listener, settings);
    this.moments = new Moments();
    this.spent = 0; // ms of the newest frame
  }

  /** A block of sound; returns the frames that it completes, each { beta, closed, pose, voice, began, smile, end }. */
  push({ samples, end, rate }) {
    this.resampler ??= new Resampler(rate);
    const sound = this.resampler.push(samples);
    this.power = 0.8 * (this.power ?? 0) + 0.2 * (sound.reduce((sum, x) => sum + x * x, 0) / Math.max(1, sound.length));
    const began = performance.now();
    const rows = this.sound.push(sound);
    const behind = this.now() - end;
    const found = rows.map((row, k) => {
      const ago = behind + this.sound.waited + (rows.length - 1 - k) / FPS;
      return this.answered(row, ago, behind > LATE && this.frame > FPS);
    }).filter(Boolean);
    if (rows.length) this.spent = (performance.now() - began) / rows.length;
    return found.map((frame) => ({ ...frame, end }));
  }

  answered({ mfcc, prosody }, ago, late) {
    const frame = this.frame++;
    this.hush = Math.log10(this.power + 1e-12) < NOTHING ? this.hush + 1 : 0;
    if (late) {
      this.leftOut++;
      return null;
    }
    const { conversation } = this;
    const { pose, shut } = conversation.step(this.hearing.step({ mfcc, prosody, ...this.seen(frame, ago) }));
    const beta = conversation.beta();
    this.share = Math.min(1, Math.max(0, this.share + (shut ? 1 / CLOSING : -1 / OPENING)));
    const smile = this.named.smile.reduce((sum, [row, full]) => sum + beta[row] / full / 2, 0);
    const [, rank, voiced, , energy] = prosody;
    const [pitch, yaw] = [pose[0] * DEGREES, pose[1] * DEGREES];
    const started = this.moments.push({ rank, voiced, pitch, yaw, shut, smile });
    return { beta, closed: this.share, pose, smile, pitch, voiced, voice: Math.min(1, Math.max(0, (energy + 2.5) / 3.5)), began: started };
  }

  get silent() {
    return this.hush > HUSH;
  }
}

