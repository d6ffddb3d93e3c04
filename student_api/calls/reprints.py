"""Extra prints of an approved picture."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import Field

from backoffice.accounts.addresses import address_snapshot
from backoffice.accounts.errors import AddressNotFound
from backoffice.orders import errors
from backoffice.orders.reprints import create_reprint as create
from backoffice.orders.views import find_order
from backoffice.workflows.errors import OrderNotFound
from student_api.calls.orders import own_address
from student_api.operations import Call, operation
from student_api.order_answers import OneOrderAnswer, one_order
from student_api.schemas import AS_WHOLE, Line60, Request


class ReprintRequest(Request):
    """Without `address_id` the school hands the prints out, where the batch offers that."""

    order_id: Line60
    layout: Line60
    copies: Annotated[int, Field(ge=1, le=20), AS_WHOLE] = 1
    address_id: Line60 | None = None


@operation(
    "POST",
    "/reprints",
    tag="reprints",
    summary="Order extra prints",
    request=ReprintRequest,
    answer=OneOrderAnswer,
    status=201,
    errors=(
        OrderNotFound,
        AddressNotFound,
        errors.ReprintNotPossible,
        errors.LayoutNotOffered,
        errors.ServiceNotOffered,
        errors.AddressRequired,
        errors.DeliveryNotOffered,
    ),
)
def create_reprint(call: Call, body: ReprintRequest) -> OneOrderAnswer:
    """Order extra prints of an approved picture: an order of kind `reprint`, to be paid."""
    try:
        parent = find_order(call.session, call.student, uuid.UUID(body.order_id))
    except ValueError:
        raise OrderNotFound() from None
    address = None
    if body.address_id:
        address = address_snapshot(own_address(call, body.address_id))
    order = create(
        call.session,
        call.student,
        parent,
        layout=body.layout,
        copies=body.copies,
        address=address,
    )
    return one_order(call.session, order, call.locale)
