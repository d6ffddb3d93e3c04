// Where a student stands in this batch, and which screen comes next.

import { load } from "./api.js";
import { featureCode } from "./batch.js";
import { session } from "./store.js";

/** Return all items of a list call. */
export async function all(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await load(`${path}?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

/** Return the student's enrolment in this batch, or undefined. */
export async function enrolment() {
  return (await all("/enrolments")).find((e) => e.feature_code === featureCode);
}

/** Return the capture order of this batch that still lives (or the newest ended one). */
export async function captureOrder() {
  const mine = (await all("/orders")).filter((o) => o.kind === "capture" && o.feature_code === featureCode);
  return mine.find((o) => !["closed", "refunded"].includes(o.state)) ?? mine[0];
}

/** Return the address of the screen where this student goes on. */
export async function nextPlace() {
  if (!session()) return "/who";
  const place = await enrolment();
  if (!place) return "/identify";
  if (!place.confirmed_at) return `/confirm/${place.id}`;
  const order = await captureOrder();
  if (order && !["closed", "refunded"].includes(order.state)) return `/order/${order.id}`;
  return `/order-new/${place.id}`;
}
