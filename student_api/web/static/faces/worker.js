// Looks for faces beside the page. In: {model: address}, then pictures (ArrayBuffer of RGBA, SIDE x
// SIDE). Out: {ready} once a first, empty picture was worked, true or false; then {faces, took} for
// each picture, `took` in milliseconds.

import { faceFinder, SIDE } from "./finder.js";

let find = null;

async function load(address) {
  try {
    const answer = await fetch(address);
    if (!answer.ok) return false;
    find = faceFinder(await answer.arrayBuffer());
    find(new Uint8ClampedArray(4 * SIDE * SIDE)); // engines are slow the first time
    return true;
  } catch {
    return false; // the connection broke, or the file is not the network
  }
}

self.onmessage = async ({ data }) => {
  if (data.model) {
    self.postMessage({ ready: await load(data.model) });
  } else {
    const began = performance.now();
    const faces = find(new Uint8ClampedArray(data));
    self.postMessage({ faces, took: performance.now() - began });
  }
};
