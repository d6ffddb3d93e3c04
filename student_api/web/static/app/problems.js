// Shows what went wrong where it can be mended: at its field, or as a message.

import { toast } from "./dom.js";

/** Run `work`; fields is {name: field box}. Returns true when it went through. */
export async function guarded(work, fields = {}, handlers = {}) {
  try {
    await work();
    return true;
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    if (handlers[problem.code]) {
      await handlers[problem.code](problem);
      return false;
    }
    let first = null;
    for (const { field, message } of problem.fields) {
      const box = fields[field] ?? fields[field.split(".").pop()];
      if (!box) continue;
      box.complain(message);
      first ??= box;
    }
    if (first) first.input.focus();
    else toast(problem.message, "bad");
    return false;
  }
}
