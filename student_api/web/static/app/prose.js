// The guides' and consents' Markdown (headings, lists, bold, paragraphs) as elements.

import { el } from "./dom.js";

/** Return the elements of a Markdown text; what is not known stays plain text. */
export function prose(markdown) {
  const out = [];
  let list = null;
  for (const line of markdown.split("\n")) {
    const heading = line.match(/^#{1,6}\s+(.*)/);
    const item = line.match(/^\s*(?:(\d+)\.|[-*])\s+(.*)/);
    if (item) {
      const kind = item[1] ? "ol" : "ul";
      if (list?.tagName.toLowerCase() !== kind) out.push((list = el(kind)));
      list.append(el("li", {}, inline(item[2])));
    } else if (list && /^\s+\S/.test(line)) {
      list.lastChild.append(" ", ...inline(line.trim()));
    } else {
      list = null;
      if (heading) out.push(el("h2", {}, inline(heading[1])));
      else if (line.trim()) out.push(el("p", {}, inline(line)));
    }
  }
  return out;
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*)/).filter(Boolean).map((part) => (
    part.startsWith("**") && part.endsWith("**") ? el("strong", {}, part.slice(2, -2)) : part
  ));
}
