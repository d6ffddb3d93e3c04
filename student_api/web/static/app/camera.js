// The camera with a silhouette, and hints the browser can honestly give: light, steadiness, and
// the face's place where it has a face detector of its own. The server judges; this only helps.

import { el } from "./dom.js";
import { jpeg } from "./pictures.js";
import { t } from "./texts.js";

const FRAME = 3 / 4; // width over height of the finished picture

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
  const hint = el("p.camera-hint", { role: "status" });
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

function watch(video, say) {
  const canvas = document.createElement("canvas");
  canvas.width = 96;
  canvas.height = 72;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const detector = window.FaceDetector ? new window.FaceDetector({ maxDetectedFaces: 3, fastMode: true }) : null;
  let before = null;
  const look = async () => {
    if (video.readyState < 2) return;
    brush.drawImage(video, 0, 0, canvas.width, canvas.height);
    const grey = luminance(brush.getImageData(0, 0, canvas.width, canvas.height).data);
    const moved = before ? difference(grey, before) : 0;
    before = grey;
    say(hintOf(measure(grey), moved, detector ? await faces(detector, video) : null));
  };
  const clock = setInterval(() => look().catch(() => {}), 500);
  return { stop: () => clearInterval(clock) };
}

function luminance(data) {
  const grey = new Float32Array(data.length / 4);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  return grey;
}

// Mean light of the left and right halves of the middle, where the face is.
function measure(grey) {
  const halves = [0, 0];
  let count = 0;
  for (let y = 14; y < 50; y++) {
    for (let x = 30; x < 66; x++) halves[x < 48 ? 0 : 1] += grey[y * 96 + x];
    count += 18;
  }
  return { left: halves[0] / count, right: halves[1] / count };
}

function difference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += Math.abs(one[i] - other[i]);
  return sum / one.length;
}

async function faces(detector, video) {
  try { return await detector.detect(video); } catch { return null; }
}

// Rough limits for a hint only; the real checks are made on the server.
function hintOf({ left, right }, moved, found) {
  const light = (left + right) / 2;
  if (light < 55) return "hint_dark";
  if (light > 225) return "hint_bright";
  if (Math.abs(left - right) > 70) return "hint_side";
  if (moved > 14) return "hint_steady";
  return found ? placeHint(found) : "hint_frame";
}

function placeHint(found) {
  if (found.length === 0) return "hint_no_face";
  if (found.length > 1) return "hint_faces";
  const [{ boundingBox: box, landmarks }] = found;
  if (Math.abs(tilt(landmarks ?? [])) > 6) return "hint_level";
  const video = document.querySelector(".camera video");
  const shown = Math.min(video.videoWidth, video.videoHeight * FRAME);
  const centre = (box.x + box.width / 2 - video.videoWidth / 2) / shown;
  if (Math.abs(centre) > 0.1) return "hint_centre";
  if (box.width / shown < 0.3) return "hint_closer";
  if (box.width / shown > 0.62) return "hint_farther";
  return "hint_good";
}

// Degrees between the eyes; 0 where the detector names no eyes.
function tilt(landmarks) {
  const [one, other] = landmarks.filter((mark) => mark.type === "eye").map((mark) => mark.locations[0]).sort((a, b) => a.x - b.x);
  return other ? (Math.atan2(other.y - one.y, other.x - one.x) * 180) / Math.PI : 0;
}
