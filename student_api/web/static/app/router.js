// Screens by the address behind '#': the browser's back button works, a reload stays where it was.

import { announce, dropComplaint, el } from "./dom.js";
import { t } from "./texts.js";

const routes = [];
let turn = 0;
let leaving = null;
let shownPath = null;

/** Register a screen: pattern like "/order/:id"; show(params) returns its element(s). */
export function route(pattern, show) {
  const names = [];
  const source = pattern.replace(/:([a-z]+)/g, (_, name) => { names.push(name); return "([^/]+)"; });
  routes.push({ match: new RegExp(`^${source}$`), names, show });
}

/** Go to a screen. */
export function go(path) {
  if (location.hash === `#${path}`) draw();
  else location.hash = path;
}

/** Run `work` when the present screen is left (stop a camera, a clock). */
export function onLeave(work) {
  const before = leaving;
  leaving = () => { before?.(); work(); };
}

/** Draw the screen of the present address. */
export async function draw() {
  const mine = ++turn;
  leaving?.();
  leaving = null;
  const path = location.hash.slice(1) || "/";
  if (path !== shownPath) dropComplaint();
  shownPath = path;
  const found = routes.map((r) => ({ r, m: path.match(r.match) })).find(({ m }) => m);
  const home = document.getElementById("home");
  const place = document.getElementById("screen");
  home.hidden = Boolean(found);
  place.hidden = !found;
  if (!found) return;
  place.replaceChildren(el("p.loading", { role: "status" }, t("loading")));
  const params = Object.fromEntries(found.r.names.map((n, i) => [n, decodeURIComponent(found.m[i + 1])]));
  let shown;
  try {
    shown = await found.r.show(params);
  } catch (problem) {
    shown = trouble(problem);
  }
  if (mine !== turn) return;
  place.replaceChildren(...[shown].flat(4).filter((part) => part !== null && part !== undefined && part !== false));
  window.scrollTo(0, 0);
  const heading = place.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    document.title = heading.textContent;
    announce(heading.textContent);
  }
}

function trouble(problem) {
  const again = el("button.primary", { type: "button", onclick: draw }, t("try_again"));
  return el("section.card.trouble", {}, el("h1", {}, t("trouble")), el("p", {}, problem.message || t("server_trouble")), again,
    el("a.wide.plain", { href: "#/" }, t("back_home")));
}
