"""A student with a phone, speaking only the API, and the real processes behind it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image
from skimage import data

from tests.student_api.conftest import Api
from tests.worker.conftest import Processes

ROLES = ("dispatcher", "jobs", "photos", "documents", "scheduler")
PATIENCE = 12  # long polls of ten seconds: a loaded machine takes its time


def start_workers(settings, folder) -> Processes:
    """Start every role as `make up` does; the caller ends them."""
    workers = Processes(settings, folder)
    for role in ROLES:
        workers.start("-m", "worker", role)
    return workers


def portrait(take: int = 0) -> bytes:
    """The astronaut of scikit-image as a phone takes it; every take is another picture."""
    picture = Image.fromarray(data.astronaut())
    side = 1024 + 64 * take
    out = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(out, "JPEG", quality=95 - take)
    return out.getvalue()


def elsewhere() -> bytes:
    """The same person, taken again from further away: another picture to a look-alike search."""
    person = Image.fromarray(data.astronaut()).crop((30, 0, 430, 512)).resize((750, 960))
    frame = Image.new("RGB", (1280, 960), (205, 205, 200))
    frame.paste(person, (265, 0))
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=95)
    return out.getvalue()


def wall() -> bytes:
    """A picture with nobody in it."""
    out = io.BytesIO()
    Image.new("RGB", (900, 1200), (205, 205, 200)).save(out, "JPEG")
    return out.getvalue()


@dataclass
class Student:
    """What somebody does, step by step. Every step fails loudly where the manual says it works."""

    api: Api
    batch: str = ""
    enrolment: dict = field(default_factory=dict)
    order: dict = field(default_factory=dict)

    def ok(self, answer, status: int = 200) -> dict:
        assert answer.status_code == status, answer.get_json()
        return answer.get_json()

    # -- account ---------------------------------------------------------------------------

    def scan_card(self, picture: bytes) -> dict:
        """The reader may still be loading its models: told so, a student tries again."""
        for _ in range(PATIENCE):
            answer = self.api.upload("/ocr/id-card", picture, source=None)
            if answer.status_code != 503:
                break
        return self.ok(answer)

    def read(self, *guides: str) -> list[str]:
        return [self.ok(self.api.get(f"/guides/{kind}"))["body"] for kind in guides]

    def consents(self) -> dict[str, str]:
        texts = self.ok(self.api.get("/consents"))["items"]
        assert all(text["body"] for text in texts)
        return {text["kind"]: text["version"] for text in texts}

    def register(self, **data) -> dict:
        answer = self.api.post("/auth/register", {"consents": self.consents(), **data})
        self._signed_in(self.ok(answer, 201))
        return answer.get_json()["student"]

    def log_in(self, login: str, password: str) -> dict:
        answer = self.ok(self.api.post("/auth/login", {"login": login, "password": password}))
        self._signed_in(answer)
        return answer["student"]

    def wechat(self, code: str, phone_code: str) -> dict:
        body = {"code": code, "phone_code": phone_code, "consents": self.consents()}
        answer = self.ok(self.api.post("/auth/wechat", body))
        self._signed_in(answer)
        return answer["student"]

    def _signed_in(self, answer: dict) -> None:
        self.api.headers["Authorization"] = f"Bearer {answer['access_token']}"

    # -- who in which batch ----------------------------------------------------------------

    def open_batch(self, feature_code: str) -> dict:
        self.batch = feature_code
        return self.ok(self.api.get(f"/batches/{feature_code}"))

    def read_code(self, picture: bytes) -> dict:
        answer = self.api.upload("/capture-codes/decode", picture, "code.png", source=None)
        return self.ok(answer)["capture_code"]

    def identify(self, id_last4: str, code: str | None = None) -> dict:
        body = {"id_last4": id_last4} | ({"capture_code": code} if code else {})
        answer = self.ok(self.api.post(f"/batches/{self.batch}/identify", body))
        self.enrolment = answer["enrolment"]
        return self.enrolment

    def enter_by_hand(self, **data) -> dict:
        body = {"feature_code": self.batch, **data}
        self.enrolment = self.ok(self.api.post("/enrolments", body), 201)["enrolment"]
        return self.enrolment

    def confirm(self) -> None:
        path = f"/enrolments/{self.enrolment['id']}/confirm"
        assert self.ok(self.api.post(path))["enrolment"]["confirmed_at"]

    # -- orders ----------------------------------------------------------------------------

    def place(self, *services: str, method: str = "digital", **more) -> dict:
        delivery = {"method": method}
        if "address" in more:
            delivery["address_id"] = more.pop("address")
        body = {
            "enrolment_id": self.enrolment["id"],
            "services": list(services),
            "delivery": delivery,
        }
        return self._now(self.ok(self.api.post("/orders", body | more), 201))

    def pay(self, result: str = "success", order: dict | None = None) -> None:
        """Open the provider's page and press the button."""
        path = f"/orders/{(order or self.order)['id']}/payments"
        payment = self.ok(self.api.post(path, {"provider": "sandbox"}), 201)["payment"]
        page = "/sandbox" + payment["pay_url"].partition("/sandbox")[2]
        assert self.api.client.get(page).status_code == 200
        assert self.api.client.post(page, data={"result": result}).status_code == 200

    def look(self) -> dict:
        return self._now(self.ok(self.api.get(f"/orders/{self.order['id']}")))

    def move(self, action: str, **body) -> dict:
        return self._now(self.ok(self.api.post(f"/orders/{self.order['id']}/{action}", body)))

    def refused(self, action: str, **body) -> str:
        """Return the code with which a move is refused; the order must not have moved."""
        before = self.look()
        answer = self.api.post(f"/orders/{self.order['id']}/{action}", body or None)
        assert answer.status_code == 409, answer.get_json()
        assert self.look() == before
        return answer.get_json()["code"]

    def until(self, state: str) -> dict:
        """Wait for news of the order as a client does: by long polls of its events."""
        for _ in range(PATIENCE):
            order = self.look()
            if order["state"] == state:
                return order
            query = f"after={order['version']}&wait=10"
            self.ok(self.api.get(f"/orders/{order['id']}/events?{query}"))
        raise AssertionError(f"{order['state']} is not {state}")

    def _now(self, answer: dict) -> dict:
        self.order = answer["order"]
        return self.order

    # -- pictures --------------------------------------------------------------------------

    def shoot(self, picture: bytes, source: str = "camera") -> dict:
        """Send a picture and wait for what the machine thinks of it."""
        path = f"/orders/{self.order['id']}/photos"
        photo = self.ok(self.api.upload(path, picture, source=source), 202)["photo"]
        for _ in range(PATIENCE):
            seen = self.ok(self.api.get(f"{path}/{photo['id']}?wait=10"))
            if seen["status"] in ("passed", "failed"):
                return seen
        raise AssertionError("nobody looked at the picture")

    def picture_of(self, address: str) -> Image.Image:
        answer = self.api.client.get(address)
        assert answer.status_code == 200
        return Image.open(io.BytesIO(answer.data))
