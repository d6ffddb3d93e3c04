// The last ten decisions, as long as the server still lets them be taken back.
export function recentDecisions(place, texts, takeBack) {
  let shown = []; // newest first: order, name, number, decision, until (page clock)
  const stack = []; // orders decided on this page, newest last; also those under way

  function draw() {
    const now = performance.now();
    shown = shown.filter((one) => one.until > now);
    place.replaceChildren(
      ...shown.map((one) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.className = `rd-done rd-${one.decision}`;
        const left = Math.ceil((one.until - now) / 1000);
        button.textContent = `${one.name} ${texts[one.decision]} · ${texts.undo} ${left}`;
        button.title = one.number;
        button.addEventListener("click", () => takeBack(one.order));
        item.append(button);
        return item;
      }),
    );
  }

  // Newest first, as the server tells them. What this page has not decided itself is older.
  function add(list) {
    const now = performance.now();
    const timed = list.map((one) => ({ ...one, until: now + one.left_ms }));
    const unknown = timed.filter((one) => !stack.includes(one.order));
    for (const one of unknown) stack.unshift(one.order);
    return { timed, unknown };
  }

  setInterval(draw, 1000);
  return {
    told(list) {
      shown = add(list).timed;
      draw();
    },
    // From before this page: the answer may be older than what was decided here meanwhile.
    earlier(list) {
      shown.push(...add(list).unknown);
      draw();
    },
    decided(order) {
      stack.push(order);
      if (stack.length > 10) stack.shift();
    },
    forget(order) {
      if (stack.includes(order)) stack.splice(stack.lastIndexOf(order), 1);
      shown = shown.filter((one) => one.order !== order);
      draw();
    },
    newest: () => stack.at(-1),
  };
}
