// Print layouts, shown as they will look on the sheet.

import { el, choice } from "./dom.js";
import { t } from "./texts.js";

/** Return a box of layouts to choose from; value() is the chosen code. */
export function layoutPicker(layouts, chosen) {
  const boxes = layouts.map((layout, index) => choice("radio",
    { name: "layout", value: layout.code, checked: chosen ? layout.code === chosen : index === 0 }, layout.title, drawing(layout.code)));
  const box = el("section.card", {}, el("h2", {}, t("layout")), boxes);
  box.value = () => boxes.find((b) => b.input.checked)?.input.value ?? null;
  return box;
}

// A layout's code says what is on the sheet: mixed-8-4, two-inch-8, one-inch-8.
function drawing(code) {
  const counts = code.match(/\d+(?!\d*inch)/g)?.map(Number) ?? [];
  const sizes = counts.length > 1 ? ["small", "large"] : [code.startsWith("one") ? "small" : "large"];
  return el("span.sheet", { "aria-hidden": "true" }, counts.slice(0, 2).map((count, i) => el("span.line", {},
    Array.from({ length: Math.min(count, 12) }, () => el(`i.${sizes[i]}`)))));
}
