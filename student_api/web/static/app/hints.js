// What to say while the student aims: light, steadiness, and the face's place. Only help: the real
// checks are the server's, and no hint ever keeps anybody from shooting.

import { faceSeeker, SIDE } from "./faces.js";

const SHOWN = 0.75; // width over height of the finished picture, and of the part the page shows
const LEFT = (SIDE * (1 - SHOWN)) / 2; // the shown part stands in the middle of the square
const MIDDLE = { x: 0.5, y: 0.42, width: 0.36, height: 0.45 }; // where the outline has its head
// Of the shown part. The outline's head is .44 wide with its hair, its eyes are .37 from the top; a
// face is given about 1.08 times as wide as from cheek to cheek.
const NEAR = 0.56, FAR = 0.3;
const ASIDE = 0.1, EYES_LOW = 0.5;
const CROWN = 0.75; // of the face's width, from the eyes to the top of the hair
const TILT = 7; // degrees; standards allow about 8, and the eyes' line is found to 3 (farther away to 6)
const RIVAL = 0.45; // of the first face's width: smaller ones are people in the background
// Grey of 255, about where the server's checks begin to warn: a tenth of the skin is to be lighter than
// L* 42 (the lightest part, so that dark skin is not called darkness), little clipped, cheeks 30 apart.
const DARK = 100, CLIPPED = 249, CLIPPED_SHARE = 0.2, ONE_SIDED = 70;
const MOVED = 14;

/** Return {look, stop}: look(source, width, height) resolves to the hint about a video or picture. */
export function adviser() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const seeker = faceSeeker();
  let before = null;
  return {
    async look(source, width, height) {
      const wide = Math.min(width, height * SHOWN);
      const high = wide / SHOWN;
      brush.drawImage(source, (width - wide) / 2, (height - high) / 2, wide, high, LEFT, 0, SIDE * SHOWN, SIDE);
      const pixels = brush.getImageData(0, 0, SIDE, SIDE);
      const grey = luminance(pixels.data);
      const moved = before ? difference(grey, before) : 0;
      before = grey;
      const found = await seeker.find(pixels);
      return hintOf(grey, moved, found && found.map(shown));
    },
    stop: seeker.stop,
  };
}

// A face in shares of the shown part instead of the square.
function shown(face) {
  const x = (value) => (value - 0.5) / SHOWN + 0.5;
  return { ...face, x: x(face.x), width: face.width / SHOWN, eyes: face.eyes.map(([along, down]) => [x(along), down]) };
}

function luminance(data) {
  const grey = new Float32Array(data.length / 4);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  return grey;
}

function difference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += Math.abs(one[i] - other[i]);
  return sum / (one.length * SHOWN);
}

function hintOf(grey, moved, found) {
  const [face] = found ?? [];
  const [left, right] = halves(grey, face ?? MIDDLE);
  const light = [...left, ...right].sort((one, other) => one - other);
  if (light[Math.floor(light.length * 0.9)] < DARK) return "hint_dark";
  if (light[Math.floor(light.length * (1 - CLIPPED_SHARE))] >= CLIPPED) return "hint_bright";
  if (Math.abs(mean(left) - mean(right)) > ONE_SIDED) return "hint_side";
  if (moved > MOVED) return "hint_steady";
  return found ? placeHint(found) : "hint_frame";
}

// The light of the left and of the right half of an area, pixel by pixel.
function halves(grey, { x, y, width, height }) {
  const column = (along) => Math.round(LEFT + Math.min(1, Math.max(0, along)) * SIDE * SHOWN);
  const row = (down) => Math.round(Math.min(1, Math.max(0, down)) * SIDE);
  const part = (from, to) => {
    const found = [];
    for (let at = row(y - height / 2); at < row(y + height / 2); at++) found.push(...grey.subarray(at * SIDE + column(from), at * SIDE + column(to)));
    return found;
  };
  return [part(x - width / 2, x), part(x, x + width / 2)];
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

// How far away comes first: of a small face the tilt is not to be trusted.
function placeHint(found) {
  const [face] = found;
  if (!face) return "hint_no_face";
  if (found.filter((other) => other.width > RIVAL * face.width).length > 1) return "hint_faces";
  if (face.width < FAR) return "hint_closer";
  if (face.width > NEAR) return "hint_farther";
  const [right, left] = face.eyes;
  const eyes = (left[1] + right[1]) / 2;
  const cut = eyes < CROWN * face.width * SHOWN;
  if (cut || eyes > EYES_LOW || Math.abs(face.x - 0.5) > ASIDE) return "hint_centre";
  const tilt = Math.atan2(left[1] - right[1], (left[0] - right[0]) * SHOWN) * 180 / Math.PI;
  return Math.abs(tilt) > TILT ? "hint_level" : "hint_good";
}
