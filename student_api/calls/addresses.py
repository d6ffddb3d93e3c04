"""The student's address book."""

from __future__ import annotations

from typing import Any, Literal

from backoffice.accounts import addresses as book
from backoffice.accounts.errors import AddressNotFound, TooManyAddresses
from backoffice.identity.errors import InvalidPhone
from backoffice.models import Address
from student_api.operations import Call, operation
from student_api.paging import ShortListQuery
from student_api.schemas import Answer, Line12, Line40, Line60, Line200, Request


class AddressRequest(Request):
    """A delivery address."""

    recipient: Line60
    phone: Line40
    province: Line60
    city: Line60
    district: Line60
    detail: Line200
    postcode: Line12 | None = None
    is_default: bool = False


class ChangeAddressRequest(Request):
    """Fields to change."""

    recipient: Line60 | None = None
    phone: Line40 | None = None
    province: Line60 | None = None
    city: Line60 | None = None
    district: Line60 | None = None
    detail: Line200 | None = None
    postcode: Line12 | None = None
    is_default: bool | None = None


class AddressAnswer(Answer):
    """An address of the book."""

    id: str
    recipient: str
    phone: str
    province: str
    city: str
    district: str
    detail: str
    postcode: str | None
    is_default: bool


class OneAddressAnswer(Answer):
    """One address."""

    address: AddressAnswer


class AddressesAnswer(Answer):
    """The book, which holds at most 50."""

    items: list[AddressAnswer]
    next_cursor: str | None


class RemovedAnswer(Answer):
    """It is gone."""

    status: Literal["deleted"] = "deleted"


def _shown(address: Address) -> AddressAnswer:
    values = book.address_snapshot(address)
    return AddressAnswer.model_validate(
        {"id": str(address.id), "is_default": address.is_default, **values}
    )


def _given(body: Request) -> dict[str, Any]:
    """Fields that were sent; null empties the postcode only."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name == "postcode"}


@operation(
    "GET",
    "/addresses",
    tag="addresses",
    summary="My addresses",
    query=ShortListQuery,
    answer=AddressesAnswer,
)
def get_addresses(call: Call) -> AddressesAnswer:
    """Return the address book, the default address first."""
    shown, more = call.query.page(book.list_addresses(call.session, call.student))
    return AddressesAnswer(items=[_shown(a) for a in shown], next_cursor=more)


@operation(
    "POST",
    "/addresses",
    tag="addresses",
    summary="Add an address",
    request=AddressRequest,
    answer=OneAddressAnswer,
    status=201,
    errors=(InvalidPhone, TooManyAddresses),
)
def add_address(call: Call, body: AddressRequest) -> OneAddressAnswer:
    """Add an address; the first one is the default."""
    return OneAddressAnswer(
        address=_shown(book.add_address(call.session, call.student, body.model_dump()))
    )


@operation(
    "GET",
    "/addresses/{id}",
    tag="addresses",
    summary="One address",
    answer=OneAddressAnswer,
    errors=(AddressNotFound,),
)
def get_address(call: Call) -> OneAddressAnswer:
    """Return one address."""
    found = book.find_address(call.session, call.student, call.id("id", AddressNotFound))
    return OneAddressAnswer(address=_shown(found))


@operation(
    "PATCH",
    "/addresses/{id}",
    tag="addresses",
    summary="Change an address",
    request=ChangeAddressRequest,
    answer=OneAddressAnswer,
    errors=(AddressNotFound, InvalidPhone),
)
def change_address(call: Call, body: ChangeAddressRequest) -> OneAddressAnswer:
    """Change an address; orders already made keep theirs."""
    changed = book.change_address(
        call.session, call.student, call.id("id", AddressNotFound), _given(body)
    )
    return OneAddressAnswer(address=_shown(changed))


@operation(
    "DELETE",
    "/addresses/{id}",
    tag="addresses",
    summary="Delete an address",
    answer=RemovedAnswer,
    errors=(AddressNotFound,),
)
def remove_address(call: Call) -> RemovedAnswer:
    """Delete an address."""
    book.remove_address(call.session, call.student, call.id("id", AddressNotFound))
    return RemovedAnswer()
