// The automatic checks in plain words: what must change, what to look at, the rest as a number.

import { el } from "./dom.js";
import { t } from "./texts.js";

/** Return the verdict on a photo with the advice of every check that did not pass. */
export function verdict(photo) {
  const open = photo.checks.filter((check) => !check.passed);
  const hard = open.filter((check) => check.severity === "refuse");
  const soft = open.filter((check) => check.severity !== "refuse" && check.advice);
  const good = photo.checks.length - open.length;
  return el(".verdict", {},
    el(`p.${photo.status === "passed" ? "good" : "bad"}`, { role: "status" }, t(photo.status === "passed" ? "photo_passed" : "photo_refused")),
    list(hard, "must"),
    soft.length > 0 && el("p.hint", {}, t("photo_look")),
    list(soft, "look"),
    good > 0 && el("p.hint", {}, t("checks_passed", { count: good })));
}

function list(checks, kind) {
  return checks.length > 0 && el(`ul.advice.${kind}`, {}, checks.map((check) => el("li", {}, check.advice ?? check.code)));
}
