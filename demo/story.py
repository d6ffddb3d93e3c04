"""The story of `make demo`, chapter by chapter; every claim is checked from the outside."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from demo import prove
from demo.portraits import Pictures
from demo.report import Report
from demo.roster import Person, people, write_workbook
from demo.stack import Stack
from demo.staff import StaffMember
from demo.student import Student

SCHOOL = "10001"
PRINTS = ["portrait", "prints"]


class Story:
    """One run. `out` receives the files a person wants to look at."""

    def __init__(self, stack: Stack, report: Report, pictures: Pictures, out: Path) -> None:
        self.stack, self.report, self.pictures, self.out = stack, report, pictures, out
        self.people = people()
        self.students: dict[str, Student] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.staff: dict[str, StaffMember] = {}
        self.batches: dict[str, str] = {}

    def play(self) -> None:
        """Play all chapters."""
        self.school_opens_batches()
        self.school_imports_rosters()
        self.school_prints_codes()
        self.strangers_are_refused()
        self.students_who_pay_first()
        self.students_who_shoot_first()
        self.a_student_changes_her_mind()
        self.staff_log_in()
        self.reviewer_decides()
        self.the_rejected_student_tries_again()
        self.operator_prints_and_ships()
        self.finance_refunds()
        self.an_unpaid_order_closes()
        self.everybody_was_told_once()
        self.school_takes_the_package()
        self.history_is_whole()

    # -- the school ---------------------------------------------------------------------------

    def school_opens_batches(self) -> None:
        """Two money models, two batches; a third closes unpaid orders after one minute."""
        with self.report.step("The school opens its batches (flask batch create)"):
            for name, options in {
                "pay_first": ["--mode", "pay_first", "--reject-policy", "resubmit"],
                "photo_first": ["--mode", "photo_first", "--reject-policy", "refund"],
                "hurried": ["--mode", "pay_first", "--unpaid-minutes", "1"],
            }.items():
                answer = self.stack.flask(
                    "batch", "create", "--school", SCHOOL, "--name", f"演示批次 {name}",
                    "--legal-basis", "演示", "--fee-fen", "3000", "--fee-fen", "1500", *options,
                )  # fmt: skip
                self.batches[name] = answer["feature_code"]
                self.report.require("six characters", len(answer["feature_code"]) == 6)

    def school_imports_rosters(self) -> None:
        """The workbook goes in once; a second time changes nothing; a bad row is named."""
        with self.report.step("The clerk imports the roster workbook (flask roster import)"):
            workbook, count = self.out / "roster.xlsx", len(self.people)
            write_workbook(workbook, self.people)
            for name in self.batches:
                first = self._import(name, workbook)
                self.report.expect("new", first["new"], count)
                self.report.expect("rejected", first["rejected"], 1)
                self.report.expect("the bad row", first["errors"][0]["row"], count + 3)
            again = self._import("pay_first", workbook)
            self.report.expect("the same file again", (again["new"], again["same"]), (0, count))
            nonsense = self.out / "originals" / "no_picture.jpg"
            refused = self.stack.flask(
                "roster", "import", str(nonsense), "--batch", self.batches["pay_first"], status=2
            )
            self.report.require("a coded error", refused["error"]["code"])

    def _import(self, name: str, workbook: Path) -> dict[str, Any]:
        return self.stack.flask(
            "roster", "import", str(workbook), "--batch", self.batches[name],
            "--errors", str(self.out / "roster-errors.xlsx"),
        )  # fmt: skip

    def school_prints_codes(self) -> None:
        """QR code, poster and class sheets."""
        with self.report.step("Poster and QR codes (flask batch qr)"):
            answer = self.stack.flask(
                "batch", "qr", self.batches["pay_first"], "--out", str(self.out / "poster")
            )
            for file in answer["files"]:
                self.report.require(f"{file} exists", Path(file).stat().st_size > 500)

    # -- refusals -----------------------------------------------------------------------------

    def strangers_are_refused(self) -> None:
        """An unknown feature code, no token, a forged capture code."""
        with self.report.step("Strangers and forgeries are refused"):
            nobody = Student(self.stack.base_url, self.report)
            nobody.refused("GET", "/batches/QQQQQQ", 404, "batch_not_found")
            nobody.call("GET", "/orders", 401)
            guest = self._register(
                Person("0", "外校同学", self.people[-1].id_number, "13900009999")
            )
            code = self.batches["pay_first"]
            guest.refused(
                "POST", f"/batches/{code}/identify", 422, "capture_code_invalid",
                json={"id_last4": "1234", "capture_code": "GPC1.forged"},
            )  # fmt: skip

    def _register(self, person: Person) -> Student:
        student = Student(self.stack.base_url, self.report)
        student.register(person.id_number, person.name, person.phone)
        return student

    def _enrolled(self, name: str, batch: str, person: Person) -> str:
        """Register `person` as student `name` and identify in a batch; return the enrolment."""
        code, picture = self.batches[batch], self.out / "capture-codes" / f"{person.student_no}.png"
        picture.parent.mkdir(exist_ok=True)
        issued = self.stack.flask(
            "capture-code", "issue", "--batch", code, "--student-no", person.student_no,
            "--out", str(picture),
        )  # fmt: skip
        picture.with_suffix(".txt").write_text(issued["text"])
        self.students[name] = self._register(person)
        return self.students[name].enrol(code, person.id_number, picture)

    # -- students -----------------------------------------------------------------------------

    def students_who_pay_first(self) -> None:
        """Three students pay, shoot, are judged by the machine, submit; one withdraws and submits."""
        deliveries = {"chen": "courier", "li": "digital", "wang": "school"}
        pictures = {
            "chen": self.pictures.astronaut,
            "li": self.pictures.official,
            "wang": self.pictures.official_again,
        }
        for (name, method), person in zip(deliveries.items(), self.people, strict=False):
            with self.report.step(f"{name} registers, identifies, orders ({method}), pays, shoots"):
                enrolment = self._enrolled(name, "pay_first", person)
                services = ["portrait"] if method == "digital" else PRINTS
                more = {} if method == "digital" else {"layout": self._layout()}
                student = self.students[name]
                order = student.order(enrolment, method, services, **more)
                student.refused(
                    "POST", "/orders", 409, "order_exists",
                    json={"enrolment_id": enrolment, "services": services,
                          "delivery": {"method": "digital"}},
                )  # fmt: skip
                student.refused(
                    "POST", f"/orders/{order['id']}/submit", 409, "transition_not_allowed", json={}
                )
                if name == "li":
                    self._pay_badly(student, order)
                student.pay(order)
                order = student.wait_for(order, "paid")
                if name == "li":
                    self._shoot_badly(student, order)
                photo = student.upload(order, pictures[name])
                self._accepted(student, photo, name)
                order = student.act(order, "submit")
                self.report.expect("submitted", order["state"], "pending_review")
                if name == "wang":
                    self.report.expect("withdrawn", student.act(order, "withdraw")["state"], "paid")
                    order = student.act(order, "submit")
                self.orders[name] = order
        self._strangers_order()

    def _layout(self) -> str:
        answer = httpx.get(f"{self.stack.base_url}/api/v1/batches/{self.batches['pay_first']}")
        first = answer.json()["layouts"][0]
        return first if isinstance(first, str) else first["code"]

    def _pay_badly(self, student: Student, order: dict[str, Any]) -> None:
        """A failed payment leaves the order where it was."""
        student.pay(order, result="fail")
        self.report.expect("after a failed payment", student.get(order)["state"], "draft")

    def _shoot_badly(self, student: Student, order: dict[str, Any]) -> None:
        """No picture, nobody in it, two people, too dark: each its own answer, nothing lost."""
        with self.pictures.no_picture.open("rb") as data:
            student.call(
                "POST", f"/orders/{order['id']}/photos", 415,
                files={"image": ("x.jpg", data)}, data={"source": "camera"},
            )  # fmt: skip
        for bad in (self.pictures.nobody, self.pictures.two_people, self.pictures.dark):
            photo = student.upload(order, bad)
            self.report.expect(f"{bad.name}", photo["status"], "failed")
            failed = [c for c in photo["checks"] if not c["passed"] and c["severity"] == "refuse"]
            self.report.require("advice for the student", failed and failed[0]["advice"])
            self.report.note(f"{bad.name}: {failed[0]['code']}: {failed[0]['advice']}")
        student.refused("POST", f"/orders/{order['id']}/submit", 409, "photo_not_ready", json={})

    def _accepted(self, student: Student, photo: dict[str, Any], name: str) -> None:
        if photo["status"] != "passed":
            bad = [c["code"] for c in photo["checks"] if not c["passed"]]
            self.report.note(f"refused: {bad}")
        self.report.expect(f"{name}'s picture", photo["status"], "passed")
        prove.prove_portrait(self.report, student.fetch(photo["preview_url"]))

    def _strangers_order(self) -> None:
        """Another student's order does not exist for me; a stale version changes nothing."""
        order = self.orders["chen"]
        with self.report.step("Other people's orders and stale versions"):
            self.students["li"].refused("GET", f"/orders/{order['id']}", 404, "order_not_found")
            self.students["chen"].refused(
                "POST", f"/orders/{order['id']}/withdraw", 409, "version_conflict",
                json={"version": order["version"] - 1},
            )  # fmt: skip

    def students_who_shoot_first(self) -> None:
        """Two students shoot before they pay; paying submits by itself."""
        pictures = {"zhao": self.pictures.astronaut, "zhou": self.pictures.official}
        for (name, picture), person in zip(pictures.items(), self.people[3:], strict=False):
            with self.report.step(f"{name} shoots first, then pays; the order submits itself"):
                enrolment = self._enrolled(name, "photo_first", person)
                student = self.students[name]
                order = student.order(enrolment, "school", PRINTS, layout=self._layout())
                self._accepted(student, student.upload(order, picture), name)
                student.pay(order)
                self.orders[name] = student.wait_for(order, "pending_review")

    def a_student_changes_her_mind(self) -> None:
        """Paid, then asks for the money back; another one never pays."""
        with self.report.step("wu pays and asks for the refund herself; zheng never pays"):
            enrolment = self._enrolled("wu", "pay_first", self.people[5])
            student = self.students["wu"]
            order = student.order(enrolment, "digital", ["portrait"])
            student.pay(order)
            order = student.wait_for(order, "paid")
            moved = student.act(order, "request-refund")
            self.report.require("refunding", moved["state"] in ("refunding", "refunded"))
            self.orders["wu"] = student.wait_for(order, "refunded")
            enrolment = self._enrolled("zheng", "hurried", self.people[6])
            self.orders["zheng"] = self.students["zheng"].order(enrolment, "digital", ["portrait"])

    # -- staff --------------------------------------------------------------------------------

    def staff_log_in(self) -> None:
        """Each role logs in; a reviewer is offered no operator's button."""
        with self.report.step("Staff log in to the back office"):
            for role, login in self.stack.demo_file()["staff"].items():
                self.staff[role] = StaffMember(self.stack.base_url, self.report, login)
            offered = self.staff["reviewer"].buttons(self.orders["chen"]["id"])
            self.report.expect("a reviewer's buttons", set(offered), {"approve", "reject"})
            self.report.expect(
                "an operator's buttons",
                set(self.staff["operator"].buttons(self.orders["chen"]["id"])),
                set(),
            )

    def reviewer_decides(self) -> None:
        """Three approvals, two rejections; the photo-first one leads on to the refund."""
        with self.report.step("The reviewer works the desk: 3 approved, 2 rejected with reasons"):
            plan: dict[str, tuple[str, list[str], str]] = {
                self.orders["chen"]["id"]: ("approve", [], ""),
                self.orders["li"]["id"]: ("reject", ["P04", "L01"], "请闭合双唇后重拍"),
                self.orders["wang"]["id"]: ("approve", [], ""),
                self.orders["zhao"]["id"]: ("reject", ["B01"], ""),
                self.orders["zhou"]["id"]: ("approve", [], ""),
            }
            self.report.expect("decided", self.staff["reviewer"].review(plan), 5)
            rejected = self.students["li"].wait_for(self.orders["li"], "rejected")
            reasons = rejected["rejection"]["reasons"]
            self.report.expect("reasons", [r["code"] for r in reasons], ["P04", "L01"])
            self.report.require("advice", all(r["advice"] for r in reasons))
            self.students["zhao"].wait_for(self.orders["zhao"], "refunded")

    def the_rejected_student_tries_again(self) -> None:
        """The same file is refused, a new picture goes through."""
        with self.report.step("li reads why, shoots again, is approved"):
            student, order = self.students["li"], self.orders["li"]
            with self.pictures.official.open("rb") as data:
                student.call(
                    "POST", f"/orders/{order['id']}/photos", 422,
                    files={"image": ("again.jpg", data)}, data={"source": "camera"},
                )  # fmt: skip
            self._accepted(student, student.upload(order, self.pictures.official_again), "li")
            order = student.act(order, "submit")
            self.staff["reviewer"].review({order["id"]: ("approve", [], "")})
            self.orders["li"] = student.wait_for(order, "approved")

    def operator_prints_and_ships(self) -> None:
        """Print sheets, then courier, school and digital orders each end their own way."""
        with self.report.step("The operator prints, ships and completes"):
            operator = self.staff["operator"]
            for name in ("chen", "li", "wang", "zhou"):
                order = self.orders[name]
                operator.press(order["id"], "start_processing")
                finished = self.students[name].call("GET", f"/orders/{order['id']}/photo", 200)
                prove.prove_portrait(self.report, finished)
                self._print(name, finished)
            self.report.expect(
                "a courier order's buttons",
                set(operator.buttons(self.orders["chen"]["id"])),
                {"ship"},
            )
            operator.press(
                self.orders["chen"]["id"], "ship", carrier="顺丰速运", tracking_no="SF1000000001"
            )
            for name in ("li", "wang", "zhou"):
                operator.press(self.orders[name]["id"], "complete")
                self.students[name].wait_for(self.orders[name], "completed")
            shipped = self.students["chen"].wait_for(self.orders["chen"], "shipped")
            self.report.expect("tracking", shipped["shipment"]["tracking_no"], "SF1000000001")
            done = self.students["chen"].act(shipped, "confirm-receipt")
            self.report.expect("received", done["state"], "completed")

    def _print(self, name: str, finished: bytes) -> None:
        picture = self.out / "finished" / f"{name}.jpg"
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(finished)
        sheet = self.out / "print-sheets" / f"{name}.pdf"
        sheet.parent.mkdir(exist_ok=True)
        answer = self.stack.flask(
            "photo", "sheet", str(picture), str(sheet), "--layout", self._layout(),
            "--caption", name,
        )  # fmt: skip
        self.report.expect("pages", answer["pages"], 1)

    def finance_refunds(self) -> None:
        """Finance sees the refunds; nothing more can be refunded."""
        with self.report.step("Finance: what was refunded cannot be refunded again"):
            finance = self.staff["finance"]
            finance.open("/admin/finance/")
            for name in ("wu", "zhao"):
                self.report.expect("offered", set(finance.buttons(self.orders[name]["id"])), set())

    def an_unpaid_order_closes(self) -> None:
        """The timer closes what was not paid in the batch's one minute."""
        with self.report.step("zheng's unpaid order closes by itself after one minute"):
            student, order = self.students["zheng"], self.orders["zheng"]
            deadline = time.monotonic() + 75
            while student.get(order)["state"] == "draft" and time.monotonic() < deadline:
                time.sleep(1)
            self.report.expect("the unpaid order", student.get(order)["state"], "closed")

    # -- proof --------------------------------------------------------------------------------

    def everybody_was_told_once(self) -> None:
        """Every message once, no links in them."""
        with self.report.step("Every student was told once, without links"):
            deadline = time.monotonic() + 30
            expected = {"paid": 6, "approved": 4, "rejected": 2, "shipped": 1, "refunded": 2}
            while time.monotonic() < deadline:
                sent = [m for m in self.stack.messages() if m.get("channel", "sms") == "sms"]
                counts = {t: sum(_kind(m) == t for m in sent) for t in expected}
                if counts == expected:
                    break
                time.sleep(0.5)
            self.report.expect("messages", counts, expected)
            texts = "".join(str(m) for m in sent)
            self.report.require("no link in an SMS", "http" not in texts and "www." not in texts)
            (self.out / "messages.json").write_text(
                json.dumps(sent, ensure_ascii=False, indent=1), encoding="utf-8"
            )

    def school_takes_the_package(self) -> None:
        """The package holds exactly the approved pictures; the rest are listed as missing."""
        with self.report.step("The school's package for the register (flask export package)"):
            path = self.out / "package.zip"
            answer = self.stack.flask(
                "export", "package", "--batch", self.batches["pay_first"], "--out", str(path)
            )
            numbers = {p.student_no for p in self.people[:3]}
            missing = prove.prove_package(self.report, path, numbers)
            self.report.expect("pictures", answer["photos"], 3)
            self.report.expect("missing", len(missing), len(self.people) - 3)
            self.report.expect("exceptions", answer["exceptions"], len(missing))

    def history_is_whole(self) -> None:
        """The chains verify; every order's events are as the contract's table says."""
        with self.report.step("The history of every order is whole (flask audit verify)"):
            answer = self.stack.flask("audit", "verify")
            self.report.expect("broken chain", answer["broken"], None)
            self.report.expect("orders checked", answer["checked"], len(self.orders))
            histories = {}
            for name, order in self.orders.items():
                events = self.students[name].events(order)
                numbers = [e["sequence"] for e in events]
                self.report.expect("numbering", numbers, list(range(1, len(events) + 1)))
                histories[name] = events
            expected = [
                "pay",
                "submit",
                "reject",
                "submit",
                "approve",
                "start_processing",
                "complete",
            ]
            self.report.expect("li's history", [e["transition"] for e in histories["li"]], expected)
            expected = ["pay", "submit", "reject", "request_refund", "refund_succeeded"]
            self.report.expect(
                "zhao's history", [e["transition"] for e in histories["zhao"]], expected
            )
            self.report.expect(
                "zheng's history", [e["transition"] for e in histories["zheng"]], ["expire"]
            )
            (self.out / "events.json").write_text(
                json.dumps(histories, ensure_ascii=False, indent=1), encoding="utf-8"
            )


def _kind(message: dict[str, Any]) -> str:
    """Return which of the demo's kinds a message is of."""
    template = str(message.get("template", ""))
    return template.split("_")[0]
