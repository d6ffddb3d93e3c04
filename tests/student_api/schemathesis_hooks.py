"""What schemathesis cannot know: how to sign in, and ids that exist. Loaded by its own process."""

from __future__ import annotations

import itertools
import json
import os
import urllib.request

import schemathesis

SHAPE_CODES = ("invalid_input", "malformed_body", "unsupported_media_type")
KNOWN = json.loads(os.environ["API_KNOWN"])


@schemathesis.serializer("application/offset+octet-stream")
def part_of_a_file(context, value):
    """Send bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """The prepared student; calls that end a sign-in get one of their own."""

    def get(self, case, context):
        if case.operation.definition.raw["operationId"] in KNOWN["ending"]:
            return _fresh_token()
        return KNOWN["token"]

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def _fresh_token():
    body = json.dumps(KNOWN["login"]).encode()
    request = urllib.request.Request(
        f"{KNOWN['base_url']}/api/v1/auth/login",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Every other made-up id becomes one that exists, so that more than 404 is seen.

    Every other list is read from its beginning: there its items' links lead on.
    """
    if case.query and "cursor" in case.query and next(_turns) % 2:
        del case.query["cursor"]
    for name in case.path_parameters or {}:
        known = KNOWN["ids"].get(f"{case.operation.path} {name}")
        if known and next(_turns) % 2 and not _is_linked(case):
            case.path_parameters[name] = known
    name = case.operation.definition.raw["operationId"]
    body = KNOWN["bodies"].get(name)
    if body and next(_turns) % 2 and case.meta and case.meta.generation.mode.is_positive:
        case.body = body  # from here the links lead on to orders, payments and pictures


@schemathesis.check
def well_formed_requests_are_understood(ctx, response, case):
    """What the schema allows is never refused as malformed; rules beyond a schema have codes.

    Takes the place of `positive_data_acceptance`, which does not know that the contract answers
    such rules (a wrong check digit, a wrong password) with 422.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code in (400, 413, 415, 422):
        problem = response.json()
        fields = {error["field"].rsplit(".", 1)[-1] for error in problem["errors"]}
        # which addresses can receive mail no schema can say
        if fields != {"email"}:
            assert problem["code"] not in SHAPE_CODES, problem


def _is_linked(case):
    return getattr(case, "_transition", None) is not None


_turns = itertools.count()
