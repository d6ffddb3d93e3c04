// The camera with a silhouette and hints while the student aims. The server judges; this only helps.

import { announce, el } from "./dom.js";
import { adviser } from "./hints.js";
import { jpeg } from "./pictures.js";
import { t } from "./texts.js";

const LOOK_MS = 400; // between two looks for a hint
const TELL_MS = 4000; // between two hints told to a screen reader
const OVER = -1; // no timer has that number

/** True when the page may ask for the camera's stream (https or this machine, and a browser that has it). */
export const streamable = () => Boolean(navigator.mediaDevices?.getUserMedia);

/**
 * Open the camera. Returns {view, shoot, stop, turn}: view is the element, shoot() a JPEG blob of a
 * whole frame, turn() the other camera. Throws when permission or camera is missing.
 */
export async function openCamera() {
  let facing = "environment";
  let stream = await streamOf(facing);
  const video = el("video", { playsinline: true, muted: true, autoplay: true, "aria-label": t("camera_view") });
  video.muted = true;
  const hint = el("p.camera-hint", { "aria-hidden": "true" }); // screen readers hear it, less often
  const view = el(".camera", {}, video, el(".silhouette", { "aria-hidden": "true" }), hint);
  const attach = async () => {
    video.srcObject = stream;
    await video.play();
  };
  await attach();
  const watcher = watch(video, (key) => { hint.textContent = t(key); view.dataset.hint = key; });
  return {
    view,
    shoot: () => frame(video, stream),
    async turn() {
      halt(stream);
      facing = facing === "environment" ? "user" : "environment";
      stream = await streamOf(facing);
      await attach();
    },
    stop() {
      watcher.stop();
      halt(stream);
    },
  };
}

function streamOf(facing) {
  const video = { facingMode: { ideal: facing }, width: { ideal: 2560 }, height: { ideal: 1920 } };
  return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

const halt = (stream) => stream.getTracks().forEach((track) => track.stop());

// A still picture has more pixels than the stream, where the browser can take one.
async function frame(video, stream) {
  if (window.ImageCapture) {
    try {
      const blob = await new ImageCapture(stream.getVideoTracks()[0]).takePhoto();
      if (blob.size > 50_000) return blob;
    } catch { /* fall back to the frame */ }
  }
  return jpeg(video, video.videoWidth, video.videoHeight, 0.95);
}

// A hint is shown when two looks in a row agree, and told to screen readers less often.
function watch(video, show) {
  const { look, stop } = adviser();
  let clock = null;
  let last = null;
  let told = { hint: null, at: -Infinity };
  const say = (hint, now) => {
    if (hint === last || last === null) show(hint);
    if (hint === last && hint !== told.hint && now > told.at + TELL_MS) {
      announce(t(hint));
      told = { hint, at: now };
    }
    last = hint;
  };
  const step = async () => {
    const began = performance.now();
    if (video.readyState > 1 && !document.hidden) {
      try {
        const hint = await look(video, video.videoWidth, video.videoHeight);
        if (clock !== OVER) say(hint, began);
      } catch { /* a frame that cannot be read: the next one */ }
    }
    // A slow phone gets as much rest as it worked.
    if (clock !== OVER) clock = setTimeout(step, Math.max(LOOK_MS, performance.now() - began));
  };
  clock = setTimeout(step, 0);
  return { stop() { clearTimeout(clock); clock = OVER; stop(); } };
}
