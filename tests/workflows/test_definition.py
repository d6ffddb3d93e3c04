"""A wrong definition is refused with a sentence that names the flaw."""

from dataclasses import replace

import pytest

from backoffice.i18n import Text
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.checking import verify
from backoffice.workflows.definition import (
    Definition,
    DefinitionError,
    Field,
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
    verify(definition, {"g"}, {"r"}, {"e"}, {"d"})


def with_go(**changes):
    return replace(TINY, transitions=(replace(GO, **changes),))


def move(name, source, target, who="system", **more):
    return Transition(name, (source,), target, LABEL, who=(Who(who),), **more)


CIRCLE = move("round", "a", "a")


def followed(by="system", requires=()):
    """`go` leads on to a state that `then` leaves by itself."""
    return replace(
        TINY,
        states=(*TINY.states, State("c", LABEL)),
        transitions=(
            move("go", "a", "c", follows=(Follow("then", when="g"),)),
            move("then", "c", "b", who=by, requires=requires),
        ),
    )


def test_a_sound_definition_passes():
    check(followed())
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
        (with_go(sources=()), "'go' starts nowhere, so nobody may fire it"),
        (
            with_go(who=(Who("student"), Who("admin", ("b",)))),
            "'admin' may fire 'go' from 'b', which is no source of it",
        ),
        (
            with_go(name="undo"),
            "transition 'undo' is called like an event of the engine's own",
        ),
        (
            replace(TINY, states=(State("a", Text("甲", " ")), TINY.states[1])),
            "'a' has no label in en",
        ),
        (with_go(label=Text("", "go")), "transition 'go' has no label in zh"),
        (with_go(requires=(Field("why", Text("", "")),)), "field 'why' of 'go' has no label in zh"),
        (
            replace(
                TINY,
                states=(*TINY.states, State("c", LABEL), State("d", LABEL)),
                transitions=(
                    GO,
                    move("in", "a", "c"),
                    move("on", "c", "d"),
                    move("back", "d", "c"),
                ),
            ),
            "'c' is a dead end: no terminal state can be reached from it",
        ),
        (followed(by="timer"), "'then' follows 'go', but the system may not fire it"),
        (
            followed(requires=(Field("why", LABEL),)),
            "'then' follows 'go' by itself, but asks for 'why'",
        ),
        (
            replace(TINY, transitions=(GO, replace(CIRCLE, follows=(Follow("round", when="g"),)))),
            "'round' follows itself without end",
        ),
        (
            replace(TINY, timers=(TimerRule("t", "a", "d", "go"), TimerRule("t", "a", "d", "go"))),
            "timer 't' is defined twice",
        ),
        (
            replace(
                with_go(who=(Who("timer"),), requires=(Field("why", LABEL),)),
                timers=(TimerRule("t", "a", "d", "go"),),
            ),
            "timer 't' fires 'go', which asks for 'why'",
        ),
    ],
)
def test_each_flaw_is_named(definition, sentence):
    with pytest.raises(DefinitionError, match=sentence):
        check(definition)


def test_what_an_undo_would_leave_behind_is_named():
    parts = build_engine().binding
    half = {name: undo for name, undo in parts.undo_records.items() if name != "open_refund"}
    with pytest.raises(
        DefinitionError,
        match="'reject' may be undone, but nothing takes the record 'open_refund' back",
    ):
        replace(parts, undo_records=half).verify()


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
