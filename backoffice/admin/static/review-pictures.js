// How the pictures are looked at: side by side or laid over each other, zoomed, with the lines.
const KEPT = "review.view";

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

export function pictures(desk, current) {
  const view = { compare: false, zoom: false, lines: true, ...remembered() };

  function apply() {
    for (const [name, on] of Object.entries(view)) {
      desk.classList.toggle(name, on);
      document.querySelector(`[data-act="${name}"]`)?.setAttribute("aria-pressed", on);
    }
    prepare(current());
  }

  // The overlay fetches its picture only when somebody compares; it is in the cache by then.
  function prepare(shown) {
    if (!shown || !view.compare) return;
    const over = shown.querySelector("image[data-href]");
    if (over && !over.hasAttribute("href")) over.setAttribute("href", over.dataset.href);
  }

  function toggle(name) {
    view[name] = !view[name];
    localStorage.setItem(KEPT, JSON.stringify({ compare: view.compare, lines: view.lines }));
    apply();
  }

  function divide(shown, percent) {
    const over = shown.querySelector(".rd-over");
    const x = (over.viewBox.baseVal.width * percent) / 100;
    over.querySelector("clipPath rect").setAttribute("width", x);
    const line = over.querySelector(".rd-divide");
    for (const end of ["x1", "x2"]) line.setAttribute(end, x);
  }

  desk.addEventListener("input", (event) => {
    if (event.target.matches(".rd-slider")) divide(current(), event.target.value);
  });

  // Dragging on the picture itself moves the divide, or the zoomed part.
  desk.addEventListener("pointermove", (event) => {
    const frame = event.target.closest?.(".rd-frame");
    if (!frame) return;
    const box = frame.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (view.zoom) {
      for (const part of current().querySelectorAll(".rd-frame")) {
        part.style.setProperty("--x", `${(100 * x).toFixed(1)}%`);
        part.style.setProperty("--y", `${(100 * y).toFixed(1)}%`);
      }
    } else if (view.compare && event.buttons) {
      slide(100 * x);
    }
  });

  function slide(percent) {
    const slider = current()?.querySelector(".rd-slider");
    if (!slider) return;
    slider.value = Math.min(100, Math.max(0, percent));
    divide(current(), slider.value);
  }

  function nudge(by) {
    const slider = current()?.querySelector(".rd-slider");
    if (view.compare && slider) slide(Number(slider.value) + by);
  }

  apply();
  return { toggle, prepare, nudge, comparing: () => view.compare };
}
