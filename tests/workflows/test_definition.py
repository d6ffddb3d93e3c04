"""A wrong definition is refused with a sentence that names the flaw."""

from dataclasses import replace

import pytest

from backoffice.i18n import Text
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.definition import (
    Definition,
    DefinitionError,
    Follow,
    State,
    TimerRule,
    Transition,
    Who,
)
from backoffice.workflows.orders import DEFINITIONS, build_engine

LABEL = Text("测试", "test")
GO = Transition("go", ("a",), "b", LABEL, who=(Who("student"),))
TINY = Definition(
    "tiny",
    1,
    LABEL,
    "a",
    states=(State("a", LABEL), State("b", LABEL, terminal=True)),
    transitions=(GO,),
)


def check(definition):
    definition.verify({"g"}, {"r"}, {"e"}, {"d"})


def with_go(**changes):
    return replace(TINY, transitions=(replace(GO, **changes),))


def test_a_sound_definition_passes():
    check(TINY)


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        (replace(TINY, initial="x"), "initial state 'x'"),
        (
            replace(TINY, states=(*TINY.states, State("c", LABEL, terminal=True))),
            "'c' cannot be reached",
        ),
        (
            replace(TINY, states=(State("a", LABEL), State("b", LABEL))),
            "'b' is a dead end but not terminal",
        ),
        (
            replace(TINY, states=(State("a", LABEL, terminal=True), TINY.states[1])),
            "'a' is terminal but can be left",
        ),
        (replace(TINY, states=(*TINY.states, TINY.states[0])), "'a' is defined twice"),
        (replace(TINY, transitions=(GO, GO)), "'go' is defined twice"),
        (with_go(target="nowhere"), "unknown state 'nowhere'"),
        (with_go(who=(Who("wizard"),)), "unknown role 'wizard'"),
        (with_go(who=()), "nobody may fire 'go' from 'a'"),
        (with_go(who=(Who("student", ("b",)),)), "nobody may fire 'go' from 'a'"),
        (with_go(guards=("nope",)), "unknown guard 'nope'"),
        (with_go(records=("nope",)), "unknown record 'nope'"),
        (with_go(effects=("nope",)), "unknown effect 'nope'"),
        (with_go(follows=(Follow("go", when="g"),)), "'go' cannot follow 'go'"),
        (with_go(follows=(Follow("gone", when="g"),)), "'gone' cannot follow 'go'"),
        (
            replace(TINY, timers=(TimerRule("t", "a", "d", "go"),)),
            "'go', which the timer may not",
        ),
        (
            replace(TINY, timers=(TimerRule("t", "b", "d", "go"),)),
            "not allowed from 'b'",
        ),
        (
            replace(TINY, timers=(TimerRule("t", "a", "never", "go"),)),
            "unknown due rule 'never'",
        ),
    ],
)
def test_each_flaw_is_named(definition, sentence):
    with pytest.raises(DefinitionError, match=sentence):
        check(definition)


def test_the_order_definitions_are_sound_and_bilingual():
    build_engine()
    for definition in DEFINITIONS.values():
        for named in (*definition.states, *definition.transitions):
            assert named.label.zh
            assert named.label.en
            assert named.label.zh != named.label.en


def test_the_states_are_those_of_the_contract():
    labels = {s.name: s.label.zh for s in CAPTURE_ORDER.states}
    assert labels == {
        "draft": "待支付",
        "paid": "待提交照片",
        "pending_review": "待审核",
        "rejected": "审核不通过",
        "approved": "待处理",
        "processing": "制作中",
        "shipped": "已发货",
        "completed": "已完成",
        "refunding": "退款中",
        "refunded": "已退款",
        "closed": "已关闭",
    }
