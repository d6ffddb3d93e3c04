// Calls of the desk: JSON both ways, with this session's token.
export class SignedOut extends Error {}

export function caller(element) {
  return async function call(name, data) {
    const answer = await fetch(element.dataset[name], {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": element.dataset.csrf },
      body: JSON.stringify(data),
    });
    if (!answer.headers.get("Content-Type")?.includes("json")) throw new SignedOut();
    return { ok: answer.ok, said: await answer.json() };
  };
}

// Whatever this page holds goes back at once when it is left; a crash leaves it to the lease's end.
export function giveBackOnLeaving(element, tokens) {
  addEventListener("pagehide", () => {
    const body = new FormData();
    body.append("csrf_token", element.dataset.csrf);
    body.append("tokens", tokens().join(","));
    navigator.sendBeacon(element.dataset.leave, body);
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

export function showWaiting(count) {
  const place = document.getElementById("waiting");
  const text = count >= 2000 ? place.dataset.many : place.dataset.one;
  place.textContent = text.replace("{n}", count);
}
