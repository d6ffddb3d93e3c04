// All orders of the student, newest first.

import { el, yuan } from "../dom.js";
import { all } from "../journey.js";
import { route } from "../router.js";
import { day, t } from "../texts.js";

route("/orders", async () => {
  const orders = await all("/orders");
  return [
    el("h1", {}, t("menu_orders")),
    orders.length === 0 && el("p.empty", {}, t("orders_none")),
    orders.map((order) => el("a.card.order", { href: `#/order/${order.id}` },
      el("span.row", {}, el("strong", {}, t(`kind_${order.kind}`)), el("span.tag", { class: `tag ${order.state}` }, order.state_label)),
      el("span.hint", {}, `${order.number} · ${day(order.created_at)} · ${yuan(order.amount_fen)}`))),
    el(".foot", {}, el("a.wide.primary", { href: "#/" }, t("back_home"))),
  ];
});
