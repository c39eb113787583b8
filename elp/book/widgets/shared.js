// What the map and the browser of methods share: bytes out of text, elements, and the faces' skin.

/** Numbers of a kind from their bytes in base64. */
export function bytes(text, Kind = Uint8Array) {
  return new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}

export function element(tag, css = '', text = '') {
  const made = document.createElement(tag);
  made.style.cssText = css;
  made.textContent = text;
  return made;
}

export const HOLE = 'rgb(50 52 70)'; // eyes and mouth

/** The skin's colour under a light of 0 to 1. */
export function skin(light) {
  return `rgb(${80 + 165 * light} ${78 + 155 * light} ${76 + 148 * light})`;
}

/** Fills a triangle up to its neighbours; corners are [x, y]. */
export function patch(pen, corners, color) {
  pen.fillStyle = pen.strokeStyle = color;
  pen.beginPath();
  for (const corner of corners) pen.lineTo(...corner);
  pen.closePath();
  pen.fill();
  pen.stroke();
}
