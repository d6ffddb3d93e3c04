// Register: scan the ID card or type, consent separately.

import { call, load, pause } from "../api.js";
import { choice, el, field, form, submit, toast } from "../dom.js";
import { nextPlace } from "../journey.js";
import { guarded } from "../problems.js";
import { prose } from "../prose.js";
import { go, route } from "../router.js";
import { t } from "../texts.js";
import { smaller } from "../pictures.js";
import { signedIn } from "./sign_in.js";

const ID_TYPES = ["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "foreign_pr", "hk_id"];

route("/register", () => page("resident_id"));
route("/register/:type", ({ type }) => page(ID_TYPES.includes(type) ? type : "resident_id"));

async function page(type) {
  const { items } = await load("/consents", { public: true });
  const fields = {
    id_type: field(t("id_type"), { options: ID_TYPES.map((code) => [code, t(code)]), value: type }),
    id_number: field(t("id_number"), { maxlength: 40, autocapitalize: "characters", required: true }),
    name: field(t("name"), { maxlength: 100, autocomplete: "name", required: true }, t("name_hint")),
    phone: field(t("phone"), { type: "tel", inputmode: "tel", autocomplete: "tel", maxlength: 40, required: true }),
    email: field(t("email"), { type: "email", autocomplete: "email", maxlength: 200 }, t("email_hint")),
    gender: field(t("gender"), { options: [["", t("unsaid")], ["male", t("male")], ["female", t("female")]] }),
    password: field(t("password_choose"), { type: "password", autocomplete: "new-password", maxlength: 200 }, t("password_choose_hint")),
  };
  const consents = items.map((item) => consent(item));
  const remember = choice("checkbox", {}, t("remember"), el("small", {}, t("remember_text")));
  const work = async () => {
    if (!complete(fields) || !agreed(consents)) return;
    const values = Object.fromEntries(Object.entries(fields).map(([name, box]) => [name, box.input.value.trim() || null]));
    values.password = fields.password.input.value || null;
    values.consents = Object.fromEntries(consents.map((box) => [box.kind, box.version]));
    for (const name of Object.keys(values)) if (values[name] === null) delete values[name];
    await guarded(async () => {
      signedIn(await call("POST", "/auth/register", { json: values, public: true }), remember.input.checked);
      toast(t("registered"));
      go(await nextPlace());
    }, fields, { account_exists: (problem) => { toast(problem.message, "bad.keep"); go("/sign-in"); } });
  };
  const scan = scanner(fields);
  const onType = () => { scan.hidden = fields.id_type.input.value !== "resident_id"; };
  fields.id_type.input.addEventListener("change", onType);
  onType();
  return [
    el("h1", {}, t("register_title")),
    form(work,
      scan,
      el("section.card", {}, Object.values(fields)),
      el("section.card", {}, el("h2", {}, t("consents_title")), consents, remember),
      el(".foot", {}, submit(t("register"))),
    ),
    el("p.center", {}, el("a", { href: "#/sign-in" }, t("have_account"))),
  ];
}

function consent({ kind, version, title, body }) {
  const box = choice("checkbox", { name: kind }, t("i_agree", { title }));
  const whole = el(".consent", {}, box, el("details", {}, el("summary", {}, t("read_text", { title })), el(".text", {}, prose(body))));
  return Object.assign(whole, { kind, version, input: box.input, titleText: title });
}

function agreed(consents) {
  const missing = consents.find((box) => !box.input.checked);
  if (!missing) return true;
  toast(t("please_agree", { title: missing.titleText }), "bad");
  missing.input.focus();
  return false;
}

function complete(fields) {
  const empty = ["id_number", "name", "phone"].map((name) => fields[name]).filter((box) => !box.input.value.trim());
  empty.forEach((box) => box.complain(t("please_fill")));
  empty[0]?.input.focus();
  return empty.length === 0;
}

// The picture of the card is read and forgotten; the student corrects what was misread.
function scanner(fields) {
  const input = el("input.hidden-file", { id: "card", type: "file", accept: "image/*", capture: "environment" });
  const said = el("p.hint", { role: "status" }, t("scan_hint"));
  const label = el("label.wide.secondary", { for: "card" }, t("scan_card"));
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    said.textContent = t("scan_working");
    label.classList.add("busy");
    try {
      const read = await readCard(await smaller(file, 2000));
      for (const name of ["id_number", "name", "gender"]) if (read[name]) fields[name].input.value = read[name];
      said.textContent = t(read.valid_checksum && read.confidence >= 0.8 ? "scan_done" : "scan_doubtful");
      fields.phone.input.focus();
    } catch (problem) {
      said.textContent = problem.message;
    } finally {
      label.classList.remove("busy");
    }
  });
  return el("section.card.scan", {}, input, label, said);
}

// The reader may be busy for a moment: ask again, as often as somebody would.
async function readCard(picture) {
  for (let tries = 0; ; tries++) {
    const form = new FormData();
    form.append("image", picture, "card.jpg");
    try {
      return await call("POST", "/ocr/id-card", { form, public: true, timeout: 60000 });
    } catch (problem) {
      if (!problem.passing || tries >= 2) throw problem;
      await pause(1000 * (problem.retryAfter ?? 3));
    }
  }
}
