// Every text of the page, Chinese first.

import { TEXTS } from "./texts_table.js";

const english = document.body.dataset.locale === "en";

/** Return the page's language as the API wants it. */
export const locale = () => (english ? "en" : "zh-CN");

/** Return a text with its {places} filled. */
export function t(key, values = {}) {
  const pair = TEXTS[key];
  if (!pair) return key;
  return pair[english ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
