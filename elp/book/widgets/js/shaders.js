// What the graphics processor does for each pixel of a portrait: elp.render's warp, cutout, eyes and mouth. A pixel is at
// a whole number, as in Python; numbers of these shaders are those of the modules that the comments name.
const HEAD = '#version 300 es\nprecision highp float;\nprecision highp int;\n';

const SHARED = `
uniform float size, flip;
ivec2 pixel() { return ivec2(gl_FragCoord.x, flip > 0.5 ? size - gl_FragCoord.y : gl_FragCoord.y); }
float eased(float x) { x = clamp(x, 0.0, 1.0); return x * x * (3.0 - 2.0 * x); }
vec4 at(sampler2D picture, vec2 place) { return texture(picture, (place + 0.5) / vec2(textureSize(picture, 0))); }
`;

// how far a point lies outside a closed polygon, below 0 inside
const POLYGON = `
uniform vec2 rim[80];
uniform int points;
float outside(vec2 p) {
  float near = 1e9, side = 1.0;
  for (int i = 0, j = points - 1; i < points; j = i, i++) {
    vec2 e = rim[j] - rim[i], w = p - rim[i];
    vec2 b = w - e * clamp(dot(w, e) / max(dot(e, e), 1e-9), 0.0, 1.0);
    near = min(near, dot(b, b));
    bvec3 c = bvec3(p.y >= rim[i].y, p.y < rim[j].y, e.x * w.y > e.y * w.x);
    if (all(c) || all(not(c))) side = -side;
  }
  return side * sqrt(near);
}
`;

export const WARP_SHADER = `${HEAD}
layout(location = 0) in vec2 where;
layout(location = 1) in vec2 from;
uniform float size;
out vec2 way;
void main() { gl_Position = vec4((where + 0.5) / size * 2.0 - 1.0, 0.0, 1.0); way = from; }`;

export const WAY_SHADER = `${HEAD}
in vec2 way;
out vec2 shown;
void main() { shown = way; }`;

export const QUAD_SHADER = `${HEAD}
layout(location = 0) in vec2 share;
uniform vec2 low, high;
uniform float size, flip;
void main() {
  vec2 p = mix(low, high, share) / size * 2.0 - 1.0;
  gl_Position = vec4(p.x, flip > 0.5 ? -p.y : p.y, 0.0, 1.0);
}`;

// the ways of a pixel and its neighbours, row by row; written out, as software that draws is slow at loops
const NINE = `
  ivec2 m = pixel(), l = max(m - 1, 0), h = min(m + 1, int(size) - 1);
  vec2 a = WAY(l.x, l.y), b = WAY(m.x, l.y), c = WAY(h.x, l.y);
  vec2 d = WAY(l.x, m.y), e = WAY(m.x, m.y), f = WAY(h.x, m.y);
  vec2 g = WAY(l.x, h.y), i = WAY(m.x, h.y), j = WAY(h.x, h.y);`.replaceAll(/WAY(\(.*?\))/g, 'texelFetch(way, ivec2$1, 0).xy');

// elp.render.warp.Warp._settle: the median of nine, then their mean
export const MEDIAN_SHADER = `${HEAD}${SHARED}
uniform sampler2D way;
out vec2 shown;
void order(inout vec2 one, inout vec2 other) { vec2 less = min(one, other); other = max(one, other); one = less; }
void main() {${NINE}
  order(b, c); order(e, f); order(i, j); order(a, b); order(d, e); order(g, i); order(b, c); order(e, f); order(i, j);
  order(a, d); order(f, j); order(e, i); order(d, g); order(b, e); order(c, f); order(e, i); order(e, c); order(g, e); order(e, c);
  shown = e;
}`;

// elp.render.cutout.Cutout: the person over the wall
export const LOOK_SHADER = `${HEAD}${SHARED}
uniform sampler2D way, person, back;
uniform float fine, pad;
out vec4 shown;
void main() {${NINE}
  vec2 moved = (a + b + c + d + e + f + g + i + j) / 9.0;
  vec4 seen = at(person, vec2(m) * fine + moved + pad);
  shown = vec4(seen.rgb + seen.a * texelFetch(back, m, 0).rgb, 1.0);
}`;

// numpy.interp in one of several rows of points that lie behind each other in an array
const row = (points, last) => `float row(int first, float u) {
  if (u <= ${points}[first].x) return ${points}[first].y;
  for (int i = first; i < first + ${last}; i++) {
    vec2 a = ${points}[i], b = ${points}[i + 1];
    if (u <= b.x) return mix(a.y, b.y, (u - a.x) / max(b.x - a.x, 1e-6));
  }
  return ${points}[first + ${last}].y;
}`;

// elp.render.eyes.Eye.paint and _lower_lid: what is drawn covers what is below by its alpha
export const EYE_SHADER = `${HEAD}${SHARED}${POLYGON}
uniform sampler2D ball, lid;
uniform vec2 corner, iris, gaze, turn, start, home, origin, across, down, lids[27];
uniform vec3 lash;
uniform float fine, radius, closure, strength, width;
out vec4 shown;
${row("lids", 8)}
void over(vec3 colour, float share) { shown = vec4(colour * share + shown.rgb * (1.0 - share), share + shown.a * (1.0 - share)); }
void main() {
  vec2 p = vec2(pixel()), d = p * fine - start;
  vec2 place = vec2(turn.x * d.x - turn.y * d.y, turn.y * d.x + turn.x * d.y) + home;
  vec2 away = place - iris;
  float off = dot(away, away) / (1.7 * radius * 1.7 * radius);
  shown = vec4(0.0);
  over(at(ball, place - gaze * exp(-off * off) - corner).rgb, clamp(0.5 - outside(p), 0.0, 1.0));
  if (strength <= 0.0) return;
  vec3 skin = at(lid, place - corner).rgb;
  vec2 w = p - origin;
  float u = dot(w, across) / width, v = dot(w, down);
  float margin = row(0, u), crease = 0.8 * row(9, u) + 0.2 * row(18, u);
  float room = max(margin - crease, 1e-3), below = (v - crease) / room;
  float ends = eased(min(u, 1.0 - u) / 0.16), line = 0.03 * width;
  float sheet = eased((below + 0.12) / 0.4) * eased((margin + 0.5 * line - v) / line);
  sheet *= eased(min(u - 0.02, 0.98 - u) / 0.2) * (room > 0.02 * width ? 1.0 : 0.0);
  over(skin, strength * sheet);
  float thick = max(0.034 * width * ends, 0.35), far = (v - margin - 0.25 * thick) / thick;
  float under = eased((v - margin) / 0.6) * eased((margin + 0.11 * width * ends - v) / (0.09 * width));
  over(skin, strength * closure * closure * under * ends);
  over(lash, 0.85 * strength * exp(-far * far) * eased(min(u, 1.0 - u) / 0.12));
}`;

// elp.render.mouth.Mouth.paint
export const MOUTH_SHADER = `${HEAD}${SHARED}${POLYGON}
uniform sampler2D inside;
uniform vec2 right, along, corner, lips[22], back[3];
uniform vec3 hollow, tongue, teeth;
uniform float change, wide, opened, invented, own, tall, fine;
out vec4 shown;
${row("lips", 10)}
void main() {
  vec2 p = vec2(pixel()), d = (p - right) / wide;
  float u = dot(d, along), v = d.y * along.x - d.x * along.y;
  float top = row(0, u), room = max(row(11, u) - top, 1e-3);
  float deep = clamp((v - top) / room, 0.0, 1.0), middle = clamp(1.0 - (2.0 * u - 1.0) * (2.0 * u - 1.0), 0.0, 1.0);
  vec3 seen = hollow * (1.0 + 0.5 * (1.0 - middle));
  seen = mix(seen, tongue * (0.55 + 0.45 * deep), 0.9 * opened * eased(middle / 0.6) * eased((deep - 0.4) / 0.5));
  if (invented > 0.0) {
    float rest = tall * sqrt(middle) - (v - top), gap = fract((u - 0.5) * 8.5 + 0.5) - 0.5;
    float light = (0.5 + 0.5 * middle) * (1.0 - 0.07 * exp(-gap * gap / 0.006)) * (0.72 + 0.28 * eased((v - top) / 0.05));
    seen = mix(seen, teeth * light, 0.92 * invented * eased(rest / 0.022) * eased((middle - 0.12) / 0.35));
  }
  if (own > 0.5) {
    vec2 q = p * fine;
    vec4 real = at(inside, q.x * back[0] + q.y * back[1] + back[2] - corner);
    seen = mix(seen, real.rgb, real.a);
  }
  float cover = change / (1.0 + exp(2.55 * outside(p)));
  shown = vec4(seen * cover, cover);
}`;
