"""Finding people and orders by what somebody types: a number, a name, an ID number, a phone.

Sealed values are found through their blind indexes, so whole values only. Every way is its own
indexed query; they are united, because PostgreSQL would read the whole table for an OR over them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, select, union_all

from backoffice.blind_indexes import id_number_index, name_index, phone_index
from backoffice.errors import BackofficeError
from backoffice.identity.documents import detect_type, normalise, validate
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone
from backoffice.models import Enrolment, Order, Student


def _match_key(term: str) -> str:
    """Return what an ID number is compared by; the number as typed when it is none."""
    kind = detect_type(term)
    try:
        return validate(kind, term).match_key if kind else normalise(term)
    except BackofficeError:
        return normalise(term)


def _enrolment_queries(term: str) -> list[Select[Any]]:
    wanted = [
        Enrolment.student_no == term,
        Enrolment.name_index == name_index(clean_name(term)),
        Enrolment.id_index == id_number_index(_match_key(term)),
    ]
    found = [select(Enrolment.id).where(condition) for condition in wanted]
    try:
        index = phone_index(normalise_phone(term))
    except BackofficeError:
        return found
    claimed = select(Enrolment.id).join(Student, Student.id == Enrolment.student_id)
    return [
        *found,
        select(Enrolment.id).where(Enrolment.phone_index == index),
        claimed.where(Student.phone_index == index),
    ]


def enrolments_matching(term: str) -> CompoundSelect[Any]:
    """Return the ids of the enrolments a term means."""
    return union_all(*_enrolment_queries(term))


def enrolment_condition(term: str) -> ColumnElement[bool]:
    """Return the condition on enrolments for a search term."""
    return Enrolment.id.in_(enrolments_matching(term))


def order_condition(term: str) -> ColumnElement[bool]:
    """Return the condition on orders: by the order's number or by its student."""
    people = enrolments_matching(term).subquery()
    by_person = select(Order.id).join(people, people.c.id == Order.enrolment_id)
    by_number = select(Order.id).where(Order.number == term.upper())
    return Order.id.in_(union_all(by_number, by_person))
