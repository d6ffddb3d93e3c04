"""One decorator declares a call; the same declaration parses, runs, renders and documents it.

The order of things: authenticate, parse, look for an earlier answer (Idempotency-Key), run the
handler, write the answer down, commit once. Any error rolls everything back.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed as RefusedMethod
from werkzeug.exceptions import RequestEntityTooLarge

from backoffice.accounts.sign_in import require_changed_password
from backoffice.db import db
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import pick_locale
from backoffice.models import Student
from backoffice.services import Services, services
from student_api import idempotency
from student_api.authentication import authenticate
from student_api.errors import MethodNotAllowed, RouteNotFound
from student_api.failures import answer_failure
from student_api.limits import ANY_ACCOUNT, Counted, limiter
from student_api.parsing import Parsed, parse

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_PATH_ARGUMENT = 600
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Bytes:
    """An answer that is a file."""

    data: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """What a handler is given. `address` is the client's, for counters only; empty when unknown."""

    session: Session
    services: Services
    locale: str
    args: dict[str, str]
    address: str
    signed_in: Student | None = None
    family: uuid.UUID | None = None
    query: Any = None
    file: bytes = b""

    @property
    def student(self) -> Student:
        """The signed-in student; only calls that ask for a sign-in may use it."""
        assert self.signed_in is not None, "the operation is declared with auth=True"
        return self.signed_in

    def id(self, name: str, missing: type[NotFound]) -> uuid.UUID:
        """Return an id of the path. Raises `missing` for anything that is no id."""
        try:
            return uuid.UUID(self.args[name])
        except ValueError:
            raise missing() from None


Handler = Callable[..., BaseModel | Bytes]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class Operation:
    """One call of the API, as declared.

    `public`: the answer holds nothing personal. `polled`: it has an ETag, and If-None-Match is
    answered 304. `first_password`: allowed while the first password has expired. `part`: the body
    is a piece of a file. `brakes`: limits looked at before the call, with the question that counts
    it; the handler counts them.
    """

    method: str
    path: str
    tag: str
    summary: str
    handler: Handler
    answer: type[BaseModel] | str
    status: int = 200
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    upload: str | None = None
    errors: tuple[type[BackofficeError], ...] = ()
    auth: bool = True
    idempotent: bool = False
    public: bool = False
    polled: bool = False
    first_password: bool = False
    part: bool = False
    brakes: Callable[[Call], Sequence[Counted]] | None = None

    @property
    def name(self) -> str:
        """The operationId: the handler's name."""
        return self.handler.__name__

    @property
    def description(self) -> str:
        """What the handler's docstring says after its first line."""
        _, _, rest = (self.handler.__doc__ or "").partition("\n")
        return " ".join(rest.split())

    def matches(self, path: str) -> bool:
        """Return whether a path (without the prefix) is this call's."""
        return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", self.path), path) is not None


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    summary: str,
    answer: type[BaseModel] | str,
    idempotent: bool | None = None,
    **rest: Any,
) -> Callable[[H], H]:
    """Declare a call. `answer`: a model, or the media type of a file.

    Handlers take the `Call` and, where `request` is declared, the parsed body. A POST honours
    Idempotency-Key unless `idempotent=False`.
    """
    honours_key = method == "POST" if idempotent is None else idempotent

    def declare(handler: H) -> H:
        declared = Operation(
            method=method,
            path=path,
            tag=tag,
            summary=summary,
            handler=handler,
            answer=answer,
            idempotent=honours_key,
            **rest,
        )
        OPERATIONS.append(declared)
        return handler

    return declare


def blueprint_of() -> Blueprint:
    """Return a blueprint with every declared call, and problems for every other path."""
    blueprint = Blueprint(
        "student_api",
        __name__,
        url_prefix=PREFIX,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    for declared in OPERATIONS:
        blueprint.add_url_rule(
            re.sub(r"\{(\w+)\}", r"<\1>", declared.path),
            endpoint=declared.name,
            view_func=partial(run, declared),
            methods=[declared.method],
            provide_automatic_options=False,
        )
    for rule in ("/", "/<path:rest>"):
        blueprint.add_url_rule(
            rule,
            endpoint="elsewhere",
            view_func=elsewhere,
            methods=[*METHODS, "OPTIONS"],
            provide_automatic_options=False,
        )
    return blueprint


def elsewhere(rest: str = "") -> Response:
    """Answer OPTIONS, 405 for a known path with another method, 404 for anything else."""
    locale = pick_locale(request.headers.get("Accept-Language"))
    allowed = _allowed(f"/{rest}")
    if allowed and request.method == "OPTIONS":
        return _dressed(Response(status=204, headers={"Allow": ", ".join(allowed)}), None, locale)
    error = MethodNotAllowed(allowed) if allowed else RouteNotFound()
    return _dressed(answer_failure(error, locale), None, locale)


def method_unheard_of(error: RefusedMethod) -> Response | RefusedMethod:
    """Answer for a method no rule names, such as TRACE."""
    if not request.path.startswith(f"{PREFIX}/"):
        return error
    locale = pick_locale(request.headers.get("Accept-Language"))
    allowed = _allowed(request.path.removeprefix(PREFIX)) or list(METHODS)
    return _dressed(answer_failure(MethodNotAllowed(allowed), locale), None, locale)


def _allowed(path: str) -> list[str]:
    """Return the methods a path takes, sorted; empty for an unknown path."""
    methods = {o.method for o in OPERATIONS if o.matches(path)}
    return sorted({*methods, "OPTIONS", *_heads(methods)}) if methods else []


def _heads(methods: set[str]) -> set[str]:
    """Flask answers HEAD wherever there is a GET."""
    return {"HEAD"} if "GET" in methods else set()


def body_too_large(error: RequestEntityTooLarge) -> Response | RequestEntityTooLarge:
    """Answer for a body that a hook of another door choked on before the API saw it."""
    if not request.path.startswith(f"{PREFIX}/"):
        return error
    locale = pick_locale(request.headers.get("Accept-Language"))
    return _dressed(answer_failure(error, locale), None, locale)


def run(declared: Operation, **args: str) -> Response:
    """Answer one request."""
    locale = pick_locale(request.headers.get("Accept-Language"))
    session = db.session()
    try:
        response = _answer(declared, session, locale, args)
    except Exception as error:
        if getattr(error, "keeps_changes", False):
            session.commit()
        session.rollback()
        response = answer_failure(error, locale, upload=declared.upload is not None)
    return _dressed(response, declared, locale)


def _answer(declared: Operation, session: Session, locale: str, args: dict[str, str]) -> Response:
    _check_path(args)
    call = Call(session, services(), locale, args, client_address())
    if declared.auth:
        call.signed_in, call.family = authenticate(session)
        _check_caller(declared, call)
    parsed = parse(declared, call.services.settings)
    call.query, call.file = parsed.query, parsed.file
    if not declared.idempotent:
        response = _run_handler(declared, call, parsed)
        session.commit()
        return response
    memory = idempotency.Memory.of_request(session, call.signed_in, parsed)
    earlier = memory.recall()
    if earlier is not None:
        session.rollback()
        return earlier
    response = _run_handler(declared, call, parsed)
    memory.keep(response)
    session.commit()
    return response


def _check_caller(declared: Operation, call: Call) -> None:
    brakes = declared.brakes(call) if declared.brakes else ()
    limiter().take((ANY_ACCOUNT, str(call.student.id)), check=brakes)
    if not declared.first_password:
        require_changed_password(call.student, call.services.settings.first_password_hours)


def _run_handler(declared: Operation, call: Call, parsed: Parsed) -> Response:
    given = (call,) if declared.request is None else (call, parsed.body)
    answer = declared.handler(*given)
    # rendered before the commit: afterwards every row would be read again
    if isinstance(answer, Bytes):
        response = Response(answer.data, status=declared.status, content_type=answer.media_type)
        response.headers.update(answer.headers)
        return response
    response = Response(
        answer.model_dump_json(by_alias=True),
        status=declared.status,
        content_type="application/json",
    )
    if declared.polled:
        response.add_etag()
        response.make_conditional(request)
    return response


def client_address() -> str:
    """Return the client's address, or "" when it is not known.

    A loopback address is a proxy of this machine (or the demo), never a student's: counting it
    would let one student's mistakes stop all others.
    """
    text = request.remote_addr or ""
    try:
        return "" if ip_address(text).is_loopback else text
    except ValueError:
        return ""


def _check_path(args: dict[str, str]) -> None:
    for value in args.values():
        if len(value) > MAX_PATH_ARGUMENT or not value.isprintable():
            raise RouteNotFound()


def _dressed(response: Response, declared: Operation | None, locale: str) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    public = declared is not None and declared.public and response.status_code < 400
    response.headers.setdefault("Cache-Control", "no-cache" if public else "no-store")
    response.headers["Content-Language"] = "en" if locale == "en" else "zh-CN"
    response.vary.add("Accept-Language")
    return response
