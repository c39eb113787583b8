// A camera's pictures, as a worker takes them: the newest ones, as bytes.

const STALE = 10; // ms of age beyond which the next picture is awaited: it is there before this one would be done with
const DRIFT = 0.1; // ms by which a camera's clock may fall behind from picture to picture

const held = {}; // the last picture's bytes: the next one takes their place, so that nothing piles up

/** The pictures of a stream of VideoFrames. */
export class Pictures {
  constructor(readable) {
    Object.assign(this, { reader: readable.getReader(), behind: Infinity });
  }

  /** [VideoFrame, when it was taken, in milliseconds since the epoch], just taken: what had to wait is left out. Nothing
   *  where the stream has ended. A camera's clock begins anywhere: the quickest picture so far counts as one without delay. */
  async next() {
    for (;;) {
      const { value: frame } = await this.reader.read();
      if (!frame) return [];
      const now = performance.now();
      const taken = frame.timestamp / 1000;
      this.behind = Math.min(this.behind + DRIFT, now - taken);
      if (now - taken - this.behind < STALE) return [frame, performance.timeOrigin + taken + this.behind];
      frame.close();
    }
  }
}

/** { data, width, height } as of ImageData, of a VideoFrame, which is closed. They hold until the next picture is copied. */
export async function copied(frame) {
  if (frame.data) return frame;
  try {
    return (await plain(frame)) ?? drawn(frame);
  } finally {
    frame.close();
  }
}

/** A VideoFrame's bytes, or null where an older browser knows no formats. */
async function plain(frame) {
  const { width, height } = frame.visibleRect;
  const asked = { format: 'RGBA' };
  try {
    if (frame.allocationSize(asked) !== 4 * width * height) return null;
    if (held.data?.length !== 4 * width * height) held.data = new Uint8ClampedArray(4 * width * height);
    await frame.copyTo(held.data, asked);
    return { data: held.data, width, height };
  } catch {
    return null;
  }
}

/** The same by way of a canvas. Chromium keeps hundreds of megabytes of pictures that were drawn. */
export function drawn(picture, { width, height } = picture.visibleRect) {
  const pen = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  return { data, width, height };
}
