"""Staff at their browser: log in, read the page's forms, press its buttons."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx

from demo.report import Report, StepFailed

# The photo in front on the review desk, and the session's token, as its script reads them.
CASE = re.compile(r'<article class="rd-case"([^>]*)>')
DATA = re.compile(r'data-([a-z]+)="([^"]*)"')
CSRF = re.compile(r'data-csrf="([^"]+)"')


class _Forms(HTMLParser):
    """Collect every form: its action and the fields a browser would send, buttons aside."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a form, or note a field of the open one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
            self._inside = True
            return
        sent = tag in ("input", "textarea") and given.get("name") and self._inside
        if sent and given.get("type") not in ("checkbox", "radio", "submit"):
            self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Close the open form."""
        if tag == "form":
            self._inside = False


def forms_of(page: str) -> list[tuple[str, dict[str, str]]]:
    """Return the forms of an HTML page as (action, fields)."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


class StaffMember:
    """One signed-in member of staff."""

    def __init__(self, base_url: str, report: Report, login: dict[str, str]) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=30, follow_redirects=True)
        self.report = report
        page = self.open("/admin/login")
        action, fields = next(f for f in forms_of(page) if "password" in f[1])
        answer = self._http.post(action or "/admin/login", data=fields | login)
        report.expect(f"log-in of {login['email']}", answer.status_code, 200)
        report.require("the back office opened", "/login" not in str(answer.url))

    def open(self, path: str, expected: int = 200) -> str:
        """Return a page's HTML."""
        answer = self._http.get(path)
        if answer.status_code != expected:
            raise StepFailed(f"{path} answered {answer.status_code}, not {expected}")
        self.report.checks += 1
        return answer.text

    def buttons(self, order_id: str) -> dict[str, tuple[str, dict[str, str]]]:
        """Return the transitions the order's page offers this person, with their forms."""
        page = self.open(f"/admin/orders/{order_id}/")
        return {f["transition"]: (a, f) for a, f in forms_of(page) if "transition" in f}

    def press(self, order_id: str, transition: str, **data: str) -> None:
        """Press one of the order page's buttons, with what its form asks for."""
        offered = self.buttons(order_id)
        if transition not in offered:
            raise StepFailed(f"{transition} is not offered; only {sorted(offered)}")
        action, fields = offered[transition]
        answer = self._http.post(action, data=fields | data)
        self.report.expect(f"button {transition}", answer.status_code, 200)

    def review(self, plan: dict[str, tuple[str, list[str], str]]) -> int:
        """Decide the queue by `plan`: order id -> (decision, reasons, note); returns how many.

        Takes the photos in the order the desk shows them, as a reviewer does.
        """
        decided, left = 0, dict(plan)
        while left:
            desk = self.open("/admin/review/")
            found, token = CASE.search(desk), CSRF.search(desk)
            if found is None or token is None:
                raise StepFailed(f"the desk is empty, {len(left)} photos were not shown")
            shown = dict(DATA.findall(found.group(1)))
            if shown["order"] not in left:
                raise StepFailed("the desk shows a photo nobody submitted")
            decision, reasons, note = left.pop(shown["order"])
            for side in ("original", "result"):
                picture = self._http.get(f"/admin/pictures/{shown['photo']}/{side}")
                self.report.expect(f"the {side} picture", picture.status_code, 200)
            told = {name: shown[name] for name in ("order", "photo", "token")}
            told |= {"version": int(shown["version"]), "decision": decision}
            answer = self._http.post(
                "/admin/review/decide",
                json=told | {"reasons": reasons, "note": note},
                headers={"X-CSRFToken": token.group(1)},
            )
            self.report.expect(f"decision {decision}", answer.status_code, 200)
            decided += 1
        return decided
