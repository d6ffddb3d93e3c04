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
const DARK = 55, BRIGHT = 225, ONE_SIDED = 70, MOVED = 14; // of 255

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
  const light = (left + right) / 2;
  if (light < DARK) return "hint_dark";
  if (light > BRIGHT) return "hint_bright";
  if (Math.abs(left - right) > ONE_SIDED) return "hint_side";
  if (moved > MOVED) return "hint_steady";
  return found ? placeHint(found) : "hint_frame";
}

// Mean light of the left and right half of an area.
function halves(grey, { x, y, width, height }) {
  const mean = (from, to) => {
    let sum = 0;
    let count = 0;
    for (let row = Math.max(0, Math.round((y - height / 2) * SIDE)); row < Math.min(SIDE, (y + height / 2) * SIDE); row++) {
      for (let column = Math.round(from); column < to; column++, count++) sum += grey[row * SIDE + column];
    }
    return count ? sum / count : 128;
  };
  const at = (along) => LEFT + Math.min(1, Math.max(0, along)) * SIDE * SHOWN;
  return [mean(at(x - width / 2), at(x)), mean(at(x), at(x + width / 2))];
}

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
