// What every page owes its readers, looked for in the page as it stands. Returns sentences.
(() => {
  const found = [];
  const numbers = (colour) => {
    const parts = (colour.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const luminance = ({ r, g, b }) =>
    [r, g, b]
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const contrast = (one, two) => {
    const [light, dark] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  // Words in a drawing stand on whatever shape lies under them.
  const under = (word) => {
    word.scrollIntoView({ block: "center" });
    const box = word.getBoundingClientRect();
    const shapes = document
      .elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
      .filter((e) => e.closest("svg") === word.ownerSVGElement && !["text", "tspan", "svg"].includes(e.tagName));
    const filled = shapes.map((e) => getComputedStyle(e).fill).find((fill) => fill !== "none");
    return filled ? over(numbers(filled), ground(word.ownerSVGElement)) : ground(word.ownerSVGElement);
  };
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const words = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 30);
  const off = (element) => element.closest(":disabled, [aria-disabled=true], .skip-link, .sr-only");

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || seen.has(element) || !shown(element) || off(element)) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const below = drawn ? under(element) : ground(element);
    const colour = over(numbers(drawn ? style.fill : style.color), below);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(colour, below);
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${words(element)}`);
  }

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!shown(field)) continue;
    const told = field.getAttribute("aria-label") || field.getAttribute("aria-labelledby") || field.labels?.length;
    if (!told && field.type !== "submit") found.push(`no label: ${field.outerHTML.slice(0, 80)}`);
    const style = getComputedStyle(field);
    if (parseFloat(style.borderTopWidth) === 0 || off(field) || field.type === "color") continue;
    const ratio = contrast(numbers(style.borderTopColor), ground(field.parentElement));
    if (!["checkbox", "radio", "file"].includes(field.type) && ratio < 3) {
      found.push(`border ${ratio.toFixed(2)}: ${field.outerHTML.slice(0, 80)}`);
    }
  }
  for (const button of document.querySelectorAll("button, .btn, select, summary")) {
    const box = button.getBoundingClientRect();
    if (shown(button) && (box.height < 24 || box.width < 24)) {
      found.push(`small target ${Math.round(box.width)}×${Math.round(box.height)}: ${words(button) || button.outerHTML.slice(0, 60)}`);
    }
    if (button.tagName === "BUTTON" && !words(button) && !button.getAttribute("aria-label")) {
      found.push(`button without a name: ${button.outerHTML.slice(0, 80)}`);
    }
  }
  for (const card of document.querySelectorAll(".table-card")) {
    if (getComputedStyle(card).overflowX === "clip" && card.scrollWidth > card.clientWidth) {
      found.push(`cut off: ${words(card)}`);
    }
  }
  for (const image of document.images) {
    if (image.getAttribute("alt") === null) found.push(`no alt: ${image.src}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) found.push(`id twice: ${id}`);
  if (document.querySelector("[tabindex]:not([tabindex='0']):not([tabindex='-1'])")) found.push("tabindex above 0");
  if (!["zh-CN", "en"].includes(document.documentElement.lang)) found.push("no language");
  if (document.title.length < 3) found.push("no title");
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
  window.scrollTo(0, 0);
  return found;
})();
