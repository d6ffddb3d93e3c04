"""One student's phone: the student API over HTTP, nothing else."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from demo.report import Report, StepFailed

POLL_SECONDS = 60.0


class Student:
    """A signed-in student. Every method is one call of CONTRACT section 4."""

    def __init__(self, base_url: str, report: Report, locale: str = "zh-CN") -> None:
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1", headers={"Accept-Language": locale}, timeout=30
        )
        self.report = report

    def call(self, method: str, path: str, expected: int, **options: Any) -> Any:
        """Send one request; the answer's status must be `expected`. Returns the JSON."""
        headers = options.pop("headers", {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        answer = self._http.request(method, path, headers=headers, **options)
        if answer.status_code != expected:
            raise StepFailed(
                f"{method} {path} answered {answer.status_code}, not {expected}: {answer.text[:500]}"
            )
        self.report.checks += 1
        if answer.status_code >= 400:
            self.report.expect(
                "error type", answer.headers["content-type"].split(";")[0],
                "application/problem+json",
            )  # fmt: skip
        kind = answer.headers.get("content-type", "")
        return answer.json() if "json" in kind else answer.content

    def refused(self, method: str, path: str, status: int, code: str, **options: Any) -> None:
        """The call must be refused with exactly this status and code."""
        problem = self.call(method, path, status, **options)
        self.report.expect(f"{method} {path} code", problem["code"], code)

    def register(self, id_number: str, name: str, phone: str, **more: Any) -> None:
        """Register with the current consents and stay signed in."""
        consents = {c["kind"]: c["version"] for c in self.call("GET", "/consents", 200)["items"]}
        body = {
            "id_type": "resident_id",
            "id_number": id_number,
            "name": name,
            "phone": phone,
            "consents": consents,
        } | more
        answer = self.call("POST", "/auth/register", 201, json=body)
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def enrol(self, feature_code: str, id_number: str, code_picture: Path) -> str:
        """Decode the capture code's picture, identify, confirm; return the enrolment id."""
        with code_picture.open("rb") as picture:
            decoded = self.call(
                "POST", "/capture-codes/decode", 200, files={"image": (code_picture.name, picture)}
            )
        text = decoded["capture_code"].get("text") or code_picture.with_suffix(".txt").read_text()
        answer = self.call(
            "POST",
            f"/batches/{feature_code.lower()}/identify",
            200,
            json={"id_last4": id_number[-4:], "capture_code": text},
        )
        enrolment: str = answer["enrolment"]["id"]
        self.call("POST", f"/enrolments/{enrolment}/confirm", 200, json={})
        return enrolment

    def order(
        self, enrolment: str, method: str, services: list[str], **more: Any
    ) -> dict[str, Any]:
        """Place an order; a courier order gets an address of its own."""
        delivery: dict[str, Any] = {"method": method}
        if method == "courier":
            address = self.call(
                "POST",
                "/addresses",
                201,
                json={
                    "recipient": "王同学",
                    "phone": "13800000000",
                    "province": "上海市",
                    "city": "上海市",
                    "district": "徐汇区",
                    "detail": "示例路 1 号",
                    "is_default": True,
                },
            )
            delivery["address_id"] = address.get("address", address)["id"]
        body = {"enrolment_id": enrolment, "services": services, "delivery": delivery} | more
        order: dict[str, Any] = self.call("POST", "/orders", 201, json=body)["order"]
        self.report.expect("a new order", order["state"], "draft")
        return order

    def get(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return the order as it is now."""
        fresh: dict[str, Any] = self.call("GET", f"/orders/{order['id']}", 200)["order"]
        return fresh

    def wait_for(self, order: dict[str, Any], state: str) -> dict[str, Any]:
        """Poll until the order is in `state`."""
        deadline = time.monotonic() + POLL_SECONDS
        while time.monotonic() < deadline:
            fresh = self.get(order)
            if fresh["state"] == state:
                self.report.checks += 1
                return fresh
            time.sleep(0.2)
        raise StepFailed(f"order {order['number']} is {fresh['state']}, expected {state}")

    def pay(self, order: dict[str, Any], result: str = "success") -> dict[str, Any]:
        """Pay through the sandbox provider's page."""
        answer = self.call(
            "POST", f"/orders/{order['id']}/payments", 201, json={"provider": "sandbox"}
        )
        payment: dict[str, Any] = answer["payment"]
        self.report.expect("amount to pay", payment["amount_fen"], order["amount_fen"])
        page = httpx.post(
            payment["pay_url"], data={"result": result}, timeout=30, follow_redirects=True
        )
        self.report.require(f"sandbox page answered {page.status_code}", page.status_code < 400)
        return payment

    def upload(
        self, order: dict[str, Any], picture: Path, source: str = "camera"
    ) -> dict[str, Any]:
        """Upload a picture and wait for the machine's verdict."""
        with picture.open("rb") as data:
            answer = self.call(
                "POST",
                f"/orders/{order['id']}/photos",
                202,
                files={"image": (picture.name, data)},
                data={"source": source},
            )
        self.report.expect("a fresh upload", answer["photo"]["status"], "queued")
        path = f"/orders/{order['id']}/photos/{answer['photo']['id']}"
        deadline = time.monotonic() + POLL_SECONDS
        while time.monotonic() < deadline:
            photo: dict[str, Any] = self.call("GET", path, 200)
            photo = photo.get("photo", photo)
            if photo["status"] in ("passed", "failed"):
                return photo
            time.sleep(0.2)
        raise StepFailed(f"{picture.name} was not processed in {POLL_SECONDS:.0f} s")

    def act(self, order: dict[str, Any], action: str) -> dict[str, Any]:
        """Fire one of the student's transitions; return the order."""
        answer = self.call("POST", f"/orders/{order['id']}/{action}", 200, json={})
        moved: dict[str, Any] = answer["order"]
        return moved

    def events(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the order's events."""
        answer = self.call("GET", f"/orders/{order['id']}/events", 200)
        items: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return items

    def fetch(self, url: str) -> bytes:
        """Open a signed picture address as a browser would."""
        answer = self._http.get(url)
        self.report.expect("signed picture address", answer.status_code, 200)
        return answer.content
