// Finds faces in a small picture with MediaPipe's BlazeFace (short range): box, eyes, sureness.

import { readGraph } from "./graph.js";
import { runner } from "./layers.js";

export const SIDE = 128; // pixels of the square picture the network takes
const SCORE_MIN = 0.5;
const OVERLAP_MAX = 0.3;
const LAYOUT = [[16, 2], [8, 6]]; // cells along a side, guesses in each: 512 + 384 guesses
const NUMBERS = 16; // of one guess: box, then six points, the eyes first

/**
 * Return a function that takes RGBA bytes of SIDE x SIDE pixels and returns the faces, the surest
 * first: {score, x, y, width, height, eyes: [[x, y], [x, y]]}, all in shares of the side, the box by
 * its centre. `buffer`: the bytes of face_detection_short_range.tflite. Throws when they are others.
 */
export function faceFinder(buffer) {
  const graph = readGraph(buffer);
  const run = runner(graph);
  const input = graph.tensors[graph.inputs[0]].values;
  const outputs = graph.outputs.map((index) => graph.tensors[index]);
  const boxes = outputs.find(({ shape }) => shape[2] === NUMBERS)?.values;
  const scores = outputs.find(({ shape }) => shape[2] === 1)?.values;
  const centres = guessCentres();
  if (input.length !== SIDE * SIDE * 3 || scores?.length * 2 !== centres.length || !boxes) throw new Error("another network");
  return (rgba) => {
    for (let i = 0, j = 0; j < input.length; i++) if (i % 4 < 3) input[j++] = rgba[i] / 127.5 - 1;
    run();
    return best(faces(scores, boxes, centres));
  };
}

function guessCentres() {
  const found = [];
  for (const [cells, guesses] of LAYOUT) {
    for (let cell = 0; cell < cells * cells; cell++) {
      const centre = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
      for (let i = 0; i < guesses; i++) found.push(...centre);
    }
  }
  return found;
}

function faces(scores, boxes, centres) {
  const found = [];
  scores.forEach((raw, i) => {
    const score = 1 / (1 + Math.exp(-raw));
    if (score < SCORE_MIN) return;
    const point = (at) => [centres[2 * i] + boxes[NUMBERS * i + at] / SIDE, centres[2 * i + 1] + boxes[NUMBERS * i + at + 1] / SIDE];
    const [x, y] = point(0);
    found.push({ score, x, y, width: boxes[NUMBERS * i + 2] / SIDE, height: boxes[NUMBERS * i + 3] / SIDE, eyes: [point(4), point(6)] });
  });
  return found.sort((one, other) => other.score - one.score);
}

// Of guesses about the same face the surest is kept.
function best(found) {
  const kept = [];
  for (const face of found) if (kept.every((other) => overlap(face, other) < OVERLAP_MAX)) kept.push(face);
  return kept;
}

function overlap(one, other) {
  const along = (axis, size) => Math.max(0, Math.min(one[axis] + one[size] / 2, other[axis] + other[size] / 2)
    - Math.max(one[axis] - one[size] / 2, other[axis] - other[size] / 2));
  const shared = along("x", "width") * along("y", "height");
  return shared / (one.width * one.height + other.width * other.height - shared);
}
