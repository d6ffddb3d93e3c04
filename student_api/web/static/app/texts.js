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

/** Return a moment in the page's language, as this phone's clock has it. */
export const moment = (iso) => new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });

/** Return the day of a moment in the page's language. */
export const day = (iso) => new Date(iso).toLocaleDateString(locale(), { dateStyle: "medium" });
