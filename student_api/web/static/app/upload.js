// Uploads in parts: after a dropped connection it goes on where it stopped, also after a reload,
// because the picture waits in the browser's database until the server has it.

import { call, pause, post, Problem } from "./api.js";
import { forget, keep, kept } from "./waiting.js";
import { draft } from "./store.js";
import { t } from "./texts.js";

const PART = 512 * 1024;
const PATIENCE = 8; // tries a part

/** Upload a picture for an order; progress(share 0..1). Returns the photo {id, status}. */
export async function upload(orderId, blob, source, progress) {
  await keep(orderId, { blob, source });
  return resume(orderId, progress);
}

/** Return the picture of an order that still waits here, or null. */
export const waiting = (orderId) => kept(orderId);

/** Forget the waiting picture. */
export async function giveUp(orderId) {
  draft(`upload.${orderId}`, null);
  await forget(orderId);
}

/** Go on with the waiting picture of an order. */
export async function resume(orderId, progress) {
  const { blob, source } = await kept(orderId);
  try {
    const state = await begun(orderId, blob, source);
    await sendParts(state, blob, progress);
    const { photo } = await post(`/uploads/${state.id}/complete`, {}, { intent: `complete.${state.id}`, timeout: 60000 });
    await giveUp(orderId);
    return photo;
  } catch (problem) {
    if (problem instanceof Problem && !problem.passing && problem.status !== 401) await giveUp(orderId);
    throw problem;
  }
}

async function begun(orderId, blob, source) {
  const known = draft(`upload.${orderId}`);
  if (known && known.size === blob.size) {
    try {
      const { upload: state } = await call("GET", `/uploads/${known.id}`);
      if (!state.photo_id) return state;
    } catch (problem) {
      if (problem.passing) throw problem;
    }
  }
  const { upload: state } = await post(`/orders/${orderId}/uploads`, { source, total_bytes: blob.size }, { intent: `begin.${orderId}` });
  draft(`upload.${orderId}`, { id: state.id, size: blob.size });
  return state;
}

async function sendParts(state, blob, progress) {
  let { offset } = state;
  const size = Math.max(state.part_min_bytes, Math.min(PART, state.part_max_bytes));
  let tries = 0;
  while (offset < blob.size) {
    progress(offset / blob.size);
    try {
      const part = await blob.slice(offset, offset + size).arrayBuffer();
      const answer = await call("PATCH", `/uploads/${state.id}`, {
        raw: part, headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) }, timeout: 60000,
      });
      ({ offset } = answer.upload);
      tries = 0;
    } catch (problem) {
      if (problem.code === "upload_offset_wrong") ({ upload: { offset } } = await call("GET", `/uploads/${state.id}`));
      else if (problem.passing && ++tries < PATIENCE) await pause(Math.min(15000, 1000 * 2 ** tries));
      else if (problem.passing) throw new Problem(0, { code: "network", detail: t("upload_paused") });
      else throw problem;
    }
  }
  progress(1);
}
