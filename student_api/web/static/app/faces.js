// Asks the worker of ../faces/ for the faces in a picture. Loaded when the camera is on, and never
// waited for: until the network is there, or where it cannot run, nothing is known about faces.

const SLOW_MS = 1500; // a hint that comes later than that is about another moment

/** Pixels of the square picture that `find` takes. */
export const SIDE = 128;

/**
 * Start looking. Returns {find, stop}; find(pixels) resolves to the faces in a SIDE x SIDE ImageData
 * (finder.js says how they are given), or to null when that cannot be told.
 */
export function faceSeeker() {
  const { faceModel } = document.body.dataset;
  let worker = null;
  let ready = false;
  let answered = null;
  const stop = () => {
    worker?.terminate();
    worker = null;
    answered?.(null);
  };
  const hear = ({ data }) => {
    if (data.ready) ready = true;
    else if (data.ready === false || data.took > SLOW_MS) stop();
    else answered?.(data.faces);
  };
  if (faceModel) {
    try {
      worker = new Worker(new URL("../faces/worker.js", import.meta.url), { type: "module" });
      worker.onmessage = hear;
      worker.onerror = stop; // a browser without modules in workers
      worker.postMessage({ model: faceModel });
    } catch { /* no workers here */ }
  }
  const find = (pixels) => (worker && ready
    ? new Promise((done) => {
      const late = setTimeout(stop, 2 * SLOW_MS); // it died, or threw: the light hints go on
      answered = (faces) => { clearTimeout(late); done(faces); };
      worker.postMessage(pixels.data.buffer, [pixels.data.buffer]);
    })
    : Promise.resolve(null));
  return { find, stop };
}
