"""The diagrams: nothing lies on anything else, and what is committed is what the code draws."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest

from backoffice.settings import ROOT
from backoffice.workflows.diagram import mermaid
from backoffice.workflows.drawing import layout, svg
from backoffice.workflows.orders import DEFINITIONS

CASES = [(d, lang) for d in DEFINITIONS.values() for lang in ("zh", "en")]
IDS = [f"{d.name}-{lang}" for d, lang in CASES]


@pytest.mark.parametrize(("definition", "lang"), CASES, ids=IDS)
def test_names_lie_on_no_state_and_on_no_other_name(definition, lang):
    placed = layout(definition, lang)
    for name in placed.names.values():
        assert not any(name.overlaps(state, 2) for state in placed.states.values())
    for one, other in itertools.combinations(placed.names.values(), 2):
        assert not one.overlaps(other, 2)


@pytest.mark.parametrize(("definition", "lang"), CASES, ids=IDS)
def test_curves_run_around_the_states(definition, lang):
    placed = layout(definition, lang)
    for edge, curve in placed.curves.items():
        for name, state in placed.states.items():
            margin = -2 if name in edge else 4
            inside = [p for p in curve.samples(60)[2:-2] if state.covers(p, margin)]
            assert inside == [], (edge, name)


@pytest.mark.parametrize(("definition", "lang"), CASES, ids=IDS)
def test_every_state_and_move_is_there_once(definition, lang):
    root = ET.fromstring(svg(definition, lang, {"paid": 1234}))
    space = "{http://www.w3.org/2000/svg}"
    texts = ["".join(t.itertext()) for t in root.iter(f"{space}text")]
    for state in definition.states:
        assert texts.count(state.label.get(lang)) == 1
    edges = {(s, t.target) for t in definition.transitions for s in t.sources}
    assert len(root.findall(f"{space}path")) == len(edges)
    assert texts.count("1,234") == 1
    flat = " ".join(texts).replace(" ", "")
    for transition in definition.transitions:
        assert transition.label.get(lang).replace(" ", "") in flat
    assert not [e for e in root.iter() if "style" in e.attrib]


def test_boxes_lead_where_they_are_told():
    definition = DEFINITIONS["capture_order", 1]
    drawn = svg(definition, "zh", {}, {"paid": "/admin/orders/?state=paid&kind=capture"})
    assert [unescape(a) for a in re.findall(r'<a href="([^"]+)"', drawn)] == [
        "/admin/orders/?state=paid&kind=capture"
    ]


@pytest.mark.browser
@pytest.mark.parametrize(("definition", "lang"), CASES, ids=IDS)
def test_a_browser_agrees_that_nothing_overlaps(definition, lang, chromium):
    """The widths we reckon with hold for the typefaces that are really there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_content(svg(definition, lang))
        found = page.evaluate(
            """() => {
              const box = (e) => { const r = e.getBBox(); return [r.x, r.y, r.x + r.width, r.y + r.height]; };
              const all = (q) => [...document.querySelectorAll(q)].map(box);
              const [x, y, w, h] = document.querySelector("svg").getAttribute("viewBox").split(" ").map(Number);
              return { states: all(".state > rect"), inner: all(".state > text"), names: all(".move"),
                       frame: [x, y, x + w, y + h] };
            }"""
        )
        browser.close()
    names, states = found["names"], found["states"]
    assert len(names) == len({(s, t.target) for t in definition.transitions for s in t.sources})
    for number, name in enumerate(names):
        assert not any(_overlap(name, other) for other in states + names[number + 1 :])
        assert _inside(name, found["frame"])
    for text in found["inner"]:
        assert any(_inside(text, state) for state in states)


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(a, b):
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]


# Regenerate with the commands that docs/workflow.md names.
@pytest.mark.parametrize("name", ["capture_order", "reprint_order"])
def test_the_committed_drawings_are_what_the_code_draws(name):
    file = ROOT / "docs" / "images" / f"{name.replace('_', '-')}.svg"
    assert file.read_text("utf-8") == svg(DEFINITIONS[name, 1]) + "\n"


def test_the_committed_document_shows_the_definitions_as_they_run():
    text = (ROOT / "docs" / "workflow.md").read_text("utf-8")
    blocks = re.findall(r"```mermaid\n(.*?)\n```", text, re.DOTALL)
    assert blocks == [mermaid(d, "en") for d in DEFINITIONS.values()]
    for definition in DEFINITIONS.values():
        for state in definition.states:
            assert f"| `{state.name}` | {state.label.zh} | {state.label.en} |" in text
