// Identify: last four of the ID number, and the capture code by camera, album or text.

import { call, post } from "../api.js";
import { batch, featureCode, owner } from "../batch.js";
import { button, el, field, form, submit, toast } from "../dom.js";
import { smaller } from "../pictures.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { day, t } from "../texts.js";

route("/identify", async () => {
  const { requires_capture_code: needed, allow_unlisted: unlisted, school, name } = await batch();
  const last4 = field(t("last4"), { maxlength: 8, autocapitalize: "characters", inputmode: "text", required: true }, t("last4_hint"));
  const code = needed ? codeBox() : null;
  const below = el(".notice", { hidden: true, role: "alert" });
  const refused = (problem, ...more) => {
    below.replaceChildren(el("p", {}, problem.message), ...more);
    below.hidden = false;
    below.scrollIntoView({ block: "center" });
  };
  const wanted = () => ({ id_last4: last4.input.value.trim(), ...(needed ? { capture_code: code.value() } : {}) });
  const work = async () => {
    below.hidden = true;
    if (!last4.input.value.trim()) { last4.complain(t("please_fill")); return last4.input.focus(); }
    if (needed && !code.value()) return code.ask();
    await guarded(async () => {
      const { enrolment } = await post(`/batches/${featureCode}/identify`, wanted(), { intent: "identify" });
      go(`/confirm/${enrolment.id}`);
    }, { id_last4: last4, capture_code: code?.text }, {
      not_on_roster: (p) => refused(p, unlisted && el("a.wide.secondary", { href: "#/unlisted" }, t("enter_data")), helpLink()),
      enrolment_taken: (p) => refused(p, contest(wanted)),
      already_enrolled: () => go("/"),
      identity_required: (p) => refused(p, el("a.wide.secondary", { href: "#/identity" }, t("identity_add"))),
    });
    return undefined;
  };
  return [
    el("h1", {}, t("identify_title")),
    el("p.lead", {}, `${school.name} · ${name}`),
    owner && el("p.owner", {}, t("owner", owner)),
    form(work, el("section.card", {}, last4), code, below, el(".foot", {}, submit(t("next")))),
  ];
});

const helpLink = () => el("a.wide.plain", { href: "#/help" }, t("ask_help"));

// Somebody else claimed the entry: the school decides whose it is.
function contest(wanted) {
  const note = field(t("contest_note"), { maxlength: 500 }, t("contest_hint"));
  return el(".contest", {}, note, button(t("contest_send"), () => guarded(async () => {
    await post(`/batches/${featureCode}/contest`, { ...wanted(), note: note.input.value.trim() || null }, { intent: "contest" });
    toast(t("contest_sent"));
    go("/requests");
  }, { note }), "secondary"));
}

function codeBox() {
  const text = field(t("code_text"), { maxlength: 4000, autocapitalize: "off", spellcheck: "false" }, t("code_text_hint"));
  const said = el(".found", { role: "status", hidden: true });
  const camera = picker("code-camera", t("code_camera"), { capture: "environment" });
  const album = picker("code-album", t("code_album"), {});
  const read = async (file) => {
    said.hidden = false;
    said.replaceChildren(el("p.hint", {}, t("code_working")));
    try {
      const body = new FormData();
      body.append("image", await smaller(file, 3000), "code.jpg");
      const { capture_code: found } = await call("POST", "/capture-codes/decode", { form: body, timeout: 60000 });
      text.input.value = found.text;
      text.complain("");
      said.replaceChildren(
        el("p.good", {}, t("code_found")),
        el("dl", {}, facts([["name", found.name_masked], ["id_number", found.id_masked], ["school", found.school_name], ["major", found.major],
          ["valid_until", day(found.expires_at)]])),
      );
    } catch (problem) {
      said.replaceChildren(el("p.bad", {}, problem.message));
    }
  };
  for (const part of [camera, album]) {
    part.input.addEventListener("change", () => {
      const [file] = part.input.files;
      part.input.value = "";
      if (file) read(file);
    });
  }
  const typed = el("details", {}, el("summary", {}, t("code_type")), text);
  const box = el("section.card", {}, el("h2", {}, t("code_title")), el("p.hint", {}, t("code_hint")),
    el(".pair", {}, camera.nodes, album.nodes), said, typed);
  box.value = () => text.input.value.trim();
  box.text = text;
  box.ask = () => { toast(t("code_please"), "bad"); box.scrollIntoView({ block: "center" }); };
  return box;
}

function picker(id, label, attributes) {
  const input = el("input.hidden-file", { id, type: "file", accept: "image/*", ...attributes });
  return { input, nodes: el("div", {}, input, el("label.wide.secondary", { for: id }, label)) };
}

/** Return rows of a definition list; empty values are left out. */
export function facts(pairs) {
  return pairs.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, t(name)), el("dd", {}, value)));
}
