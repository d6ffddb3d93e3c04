// Builds page elements. Text always goes in as text, never as HTML.

/** Return an element: el("p.hint", {id: "x", onclick: f}, "text", child, …). */
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

let serial = 0;

/** Return a labelled field; `.input` is the control, `.complain(text)` shows what is wrong. */
export function field(label, attributes = {}, hint = "") {
  const id = `f${++serial}`;
  const input = attributes.options ? select(id, attributes) : el("input", { id, autocomplete: "off", ...attributes });
  const error = el("p.error", { id: `${id}e`, hidden: true });
  const help = hint ? el("p.hint", { id: `${id}h` }, hint) : null;
  if (help) input.setAttribute("aria-describedby", help.id);
  const box = el(".field", {}, el("label", { for: id }, label), input, help, error);
  box.input = input;
  box.complain = (text) => {
    error.textContent = text;
    error.hidden = !text;
    if (text) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", [error.id, help?.id].filter(Boolean).join(" "));
    } else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => box.complain(""));
  return box;
}

function select(id, { options, value, ...rest }) {
  const node = el("select", { id, ...rest }, options.map(([code, label]) => el("option", { value: code }, label)));
  if (value !== undefined) node.value = value;
  return node;
}

/** Return a checkbox or radio with its label; `extra` stands under it. */
export function choice(type, attributes, label, extra = null) {
  const id = `f${++serial}`;
  const input = el("input", { id, type, ...attributes });
  const box = el("label.choice", { for: id }, input, el("span", {}, label, extra));
  box.input = input;
  return box;
}

/** Return a button that cannot be pressed twice while its work runs. */
export function button(label, work, kind = "primary") {
  const node = el(`button.${kind}`, { type: "button" }, label);
  node.addEventListener("click", () => once(node, work));
  return node;
}

/** Run `work` with `node` disabled meanwhile. */
export async function once(node, work) {
  if (node.disabled) return;
  node.disabled = true;
  node.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    node.disabled = false;
    node.removeAttribute("aria-busy");
  }
}

/** Return a form whose submit runs `work` once at a time. */
export function form(work, ...children) {
  const node = el("form", { novalidate: true }, ...children);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const press = node.querySelector("button[type=submit]") ?? node.querySelector("button.primary");
    once(press, work);
  });
  return node;
}

/** Return the button that submits a form. */
export function submit(label) {
  return el("button.primary", { type: "submit" }, label);
}

/** Say something to screen readers. */
export function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);
}

/** Show a passing message, a complaint on top, others at the bottom; a complaint leaves with its screen, "bad.keep" stays. */
export function toast(text, kind = "info") {
  document.querySelector(".toast")?.remove();
  const node = el(`.toast.${kind}`, { role: kind.startsWith("bad") ? "alert" : "status" }, text);
  document.body.append(node);
  setTimeout(() => node.remove(), kind.startsWith("bad") ? 8000 : 4000);
}

/** Take away a complaint that the step to another screen has answered. */
export function dropComplaint() {
  document.querySelector(".toast.bad:not(.keep)")?.remove();
}

/** Return a phone number as people write it here: +86 goes without saying. */
export function dialled(phone) {
  return (phone ?? "").replace(/^\+86/, "");
}

/** Return money, e.g. ¥30.00, from fen. */
export function yuan(fen) {
  return `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;
}
