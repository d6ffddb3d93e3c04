// What this page was opened for: the batch, and the student of a personal QR code.

import { load } from "./api.js";

const { code, personal, provider: offered } = document.body.dataset;
let known = null;

export const featureCode = code;
export const provider = offered;

/** Return what a personal QR code says: {token, name, student_no}, or null. */
export const owner = personal ? JSON.parse(personal) : null;

/** Return the batch as the API describes it. */
export async function batch() {
  known ??= await load(`/batches/${encodeURIComponent(code)}`, { public: true });
  return known;
}
