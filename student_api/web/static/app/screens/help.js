// Questions to the staff, and their answers.

import { load, post } from "../api.js";
import { el, field, form, submit } from "../dom.js";
import { all } from "../journey.js";
import { guarded } from "../problems.js";
import { draw, go, route } from "../router.js";
import { moment, t } from "../texts.js";

const QUESTIONS = ["q_code", "q_again", "q_glasses", "q_time", "q_refund"];

const answers = () => el("section", {}, QUESTIONS.map((key) => el("details.card", {}, el("summary", {}, t(key)), el("p.text", {}, t(`${key}_answer`)))));

route("/help-info", () => [el("h1", {}, t("menu_help")), answers(), el("p.hint.center", {}, t("help_sign_in"))]);

route("/help", async () => {
  const tickets = await all("/tickets");
  return [
    el("h1", {}, t("menu_help")),
    answers(),
    el("h2", {}, t("my_questions")),
    tickets.length === 0 && el("p.empty", {}, t("questions_none")),
    tickets.map((ticket) => el("a.card.order", { href: `#/ticket/${ticket.id}` },
      el("span.row", {}, el("strong", {}, ticket.subject), el("span.tag", {}, t(`ticket_${ticket.state}`))),
      el("span.hint", {}, moment(ticket.created_at)))),
    el(".foot", {}, el("a.wide.primary", { href: "#/ask/new" }, t("ask"))),
  ];
});

route("/ask/:order", ({ order }) => {
  const subject = field(t("subject"), { maxlength: 100 });
  const body = area(t("question"));
  const work = () => guarded(async () => {
    const { ticket } = await post("/tickets", { subject: subject.input.value.trim(), body: body.input.value.trim(), ...(order === "new" ? {} : { order_id: order }) });
    go(`/ticket/${ticket.id}`);
  }, { subject, body });
  return [el("h1", {}, t("ask")), form(work, el("section.card", {}, subject, body), el(".foot", {}, submit(t("send"))))];
});

route("/ticket/:id", async ({ id }) => {
  const [tickets, messages] = await Promise.all([all("/tickets"), all(`/tickets/${id}/messages`)]);
  const ticket = tickets.find((one) => one.id === id);
  const body = area(t("reply"));
  const work = () => guarded(async () => {
    await post(`/tickets/${id}/messages`, { body: body.input.value.trim() });
    draw();
  }, { body });
  return [
    el("h1", {}, ticket?.subject ?? t("menu_help")),
    el("ol.talk", {}, messages.map((m) => el("li", { class: m.author }, el("span.hint", {}, `${t(m.author)} · ${moment(m.created_at)}`), el("p", {}, m.body)))),
    ticket?.state === "closed" ? el("p.hint", {}, t("ticket_closed_text")) : form(work, el("section.card", {}, body), el(".foot", {}, submit(t("send")))),
    el("p.center", {}, el("a", { href: "#/help" }, t("back"))),
  ];
});

function area(label) {
  const box = field(label, { maxlength: 2000 });
  const text = el("textarea", { id: box.input.id, rows: 5, maxlength: 2000 });
  text.addEventListener("input", () => box.complain(""));
  box.input.replaceWith(text);
  const old = box.complain;
  box.complain = (said) => { old(said); text.toggleAttribute("aria-invalid", Boolean(said)); };
  box.input = text;
  return box;
}
