// Square patches of a picture, as elp.media.network.patch takes them: the same numbers, so that a network sees the same.

const PLACES = 5; // binary ones of a sample's place, after the point
const CELLS = 1 << PLACES;
const FINE = CELLS << PLACES; // places are summed up more finely, then rounded
const HALF = CELLS / 2;
const WHOLE = CELLS * CELLS; // of what four pixels share

/** What a crop turns by, from the picture's axes to its own: [cos, sin, -sin, cos]. */
export function turning({ angle = 0 }) {
  return [Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle)];
}

/** (pixels * pixels * 3) bytes of a crop { x, y, side, angle } of a picture { data, width, height, channels };
 *  black outside the picture. What is shrunk by two or more is averaged over areas first. */
export function patch(picture, crop, pixels) {
  const shrink = Math.max(1, Math.floor(crop.side / pixels));
  const turn = turning(crop);
  let [x, y] = [0, 0];
  if (shrink > 1) {
    const reach = (crop.side / 2) * (Math.abs(turn[0]) + Math.abs(turn[1])) + 2 * shrink;
    x = Math.max(0, Math.trunc(crop.x - reach));
    y = Math.max(0, Math.trunc(crop.y - reach));
    const right = Math.min(picture.width, Math.trunc(crop.x + reach));
    const low = Math.min(picture.height, Math.trunc(crop.y + reach));
    picture = shrunk(picture, { x, y, width: right - x, height: low - y }, shrink);
    if (!picture) return new Uint8Array(3 * pixels * pixels);
  }
  const scale = turn.map((value) => (value * pixels) / crop.side);
  const [dx, dy] = [crop.x - x - shrink / 2, crop.y - y - shrink / 2];
  const move = [
    pixels / 2 - (scale[0] * dx + scale[1] * dy) - 0.5,
    pixels / 2 - (scale[2] * dx + scale[3] * dy) - 0.5,
  ];
  const forward = [scale[0] * shrink, scale[1] * shrink, move[0], scale[2] * shrink, scale[3] * shrink, move[1]];
  return warped(picture, forward, pixels);
}

/** A part of a picture a whole number of times smaller, averaged over areas, of which four by four samples do. */
function shrunk({ data, width: stride, channels }, part, by) {
  const [width, height] = [Math.floor(part.width / by), Math.floor(part.height / by)];
  if (width < 1 || height < 1) return null;
  const step = Math.max(1, by >> 2);
  const from = step >> 1;
  const samples = [width, height].map((length) => Math.ceil((length * by - from) / step));
  const [across, down] = [areas(width, samples[0]), areas(height, samples[1])];
  const area = Math.fround(1 / ((samples[0] / width) * (samples[1] / height)));
  // as OpenCV does: of four pixels from halfway upwards, else in single precision
  const rounded = by === 2 ? (mean) => Math.floor(mean + 0.5) : (mean) => halfEven(Math.fround(mean));
  const line = new Float64Array(3 * samples[0]);
  const out = new Uint8Array(3 * width * height);
  for (let v = 0, o = 0; v < height; v++) {
    line.fill(0);
    for (let j = down.first[v]; j < down.stop[v]; j++) {
      const share = down.share(v, j);
      let i = channels * ((part.y + from + j * step) * stride + part.x + from);
      for (let k = 0; k < line.length; k += 3, i += channels * step) {
        line[k] += share * data[i];
        line[k + 1] += share * data[i + 1];
        line[k + 2] += share * data[i + 2];
      }
    }
    for (let u = 0; u < width; u++, o += 3) {
      let [red, green, blue] = [0, 0, 0];
      for (let i = across.first[u]; i < across.stop[u]; i++) {
        const share = across.share(u, i);
        red += share * line[3 * i];
        green += share * line[3 * i + 1];
        blue += share * line[3 * i + 2];
      }
      out[o] = rounded(red * area);
      out[o + 1] = rounded(green * area);
      out[o + 2] = rounded(blue * area);
    }
  }
  return { data: out, width, height, channels: 3 };
}

/** `count` equal areas of a line of samples: the first sample of each, the one after its last, how much of a sample
 *  lies in it. */
function areas(count, samples) {
  const long = samples / count;
  const edges = Float64Array.from({ length: count + 1 }, (_, k) => k * long);
  return {
    first: Int32Array.from({ length: count }, (_, k) => Math.floor(edges[k])),
    stop: Int32Array.from({ length: count }, (_, k) => Math.min(samples, Math.ceil(edges[k + 1] - 1e-9))),
    share: (k, i) => Math.min(edges[k + 1], i + 1) - Math.max(edges[k], i),
  };
}

/** OpenCV's warpAffine, `forward` being (2, 3) from the picture to the patch: places to 1/32 of a pixel, whole
 *  numbers all along. */
function warped(picture, forward, pixels) {
  const [a, b, tx, d, e, ty] = inverse(forward);
  const across = Int32Array.from({ length: pixels }, (_, u) => halfEven(a * u * FINE));
  const down = Int32Array.from({ length: pixels }, (_, u) => halfEven(d * u * FINE));
  const out = new Uint8Array(3 * pixels * pixels);
  for (let v = 0; v < pixels; v++) {
    const sx = halfEven((b * v + tx) * FINE) + HALF;
    const sy = halfEven((e * v + ty) * FINE) + HALF;
    line(out, 3 * v * pixels, picture, sx | 0, sy | 0, across, down);
  }
  return out;
}

/** A line of a patch, from o on; whole numbers, and nothing that is not needed: a picture waits for it. */
function line(out, o, { data, width, height, channels }, sx, sy, across, down) {
  const stride = channels * width;
  for (let u = 0; u < across.length; u++, o += 3) {
    const x = (sx + across[u]) >> PLACES;
    const y = (sy + down[u]) >> PLACES;
    const column = x >> PLACES;
    const row = y >> PLACES;
    if (column < -1 || row < -1 || column >= width || row >= height) continue;
    const right = x & (CELLS - 1);
    const low = y & (CELLS - 1);
    const i = row * stride + column * channels;
    if (column < 0 || row < 0 || column + 1 >= width || row + 1 >= height) {
      // what lies outside is black
      const west = column < 0 ? 0 : CELLS - right;
      const east = column + 1 < width ? right : 0;
      const north = row < 0 ? 0 : CELLS - low;
      const south = row + 1 < height ? low : 0;
      for (let n = 0, at = i; n < 3; n++, at++) {
        let sum = WHOLE / 2;
        if (north) sum += north * ((west && west * data[at]) + (east && east * data[at + channels]));
        if (south) sum += south * ((west && west * data[at + stride]) + (east && east * data[at + stride + channels]));
        out[o + n] = sum >> (2 * PLACES);
      }
      continue;
    }
    const j = i + channels;
    const k = i + stride;
    const l = k + channels;
    const d = right * low;
    const a = WHOLE - CELLS * (right + low) + d;
    const b = CELLS * right - d;
    const c = CELLS * low - d;
    out[o] = (a * data[i] + b * data[j] + c * data[k] + d * data[l] + WHOLE / 2) >> (2 * PLACES);
    out[o + 1] = (a * data[i + 1] + b * data[j + 1] + c * data[k + 1] + d * data[l + 1] + WHOLE / 2) >> (2 * PLACES);
    out[o + 2] = (a * data[i + 2] + b * data[j + 2] + c * data[k + 2] + d * data[l + 2] + WHOLE / 2) >> (2 * PLACES);
  }
}

function inverse([a, b, tx, d, e, ty]) {
  const scale = 1 / (a * e - b * d);
  const [p, q, r, s] = [e * scale, -b * scale, -d * scale, a * scale];
  return [p, q, -p * tx - q * ty, r, s, -r * tx - s * ty];
}

/** To the nearest whole number, from halfway to the even one. */
function halfEven(value) {
  const low = Math.floor(value);
  const over = value - low;
  return over > 0.5 || (over === 0.5 && low % 2) ? low + 1 : low;
}
