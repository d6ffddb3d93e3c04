// The page's entry: screens are registered by importing them, then the present one is drawn.

import { el, once, toast } from "./dom.js";
import { nextPlace } from "./journey.js";
import { draw, go } from "./router.js";
import { session } from "./store.js";
import { t } from "./texts.js";
import "./screens/account.js";
import "./screens/addresses.js";
import "./screens/confirm.js";
import "./screens/guides.js";
import "./screens/help.js";
import "./screens/identify.js";
import "./screens/order.js";
import "./screens/order_new.js";
import "./screens/orders.js";
import "./screens/photo.js";
import "./screens/register.js";
import "./screens/reprint.js";
import "./screens/sign_in.js";
import "./screens/unlisted.js";

function bar() {
  const start = document.getElementById("start");
  if (start) {
    start.textContent = session() ? t("go_on") : t("start");
    start.hidden = false;
    start.addEventListener("click", () => once(start, async () => {
      try { go(await nextPlace()); } catch (problem) { toast(problem.message, "bad"); }
    }));
  }
  menu();
}

function menu() {
  const place = document.getElementById("menu");
  const links = session()
    ? [["#/", "menu_home"], ["#/orders", "menu_orders"], ["#/help", "menu_help"], ["#/me", "menu_me"]]
    : [["#/", "menu_home"], ["#/guides", "menu_guides"], ["#/help-info", "menu_help"], ["#/sign-in", "menu_sign_in"]];
  place.replaceChildren(...links.map(([href, text]) => {
    const here = (location.hash || "#/") === href;
    return el("a", { href, "aria-current": here ? "page" : null }, t(text));
  }));
}

window.addEventListener("hashchange", () => { menu(); draw(); });
window.addEventListener("offline", () => toast(t("offline"), "bad.keep"));
window.addEventListener("online", () => toast(t("online")));
window.addEventListener("session", menu);
bar();
draw();
