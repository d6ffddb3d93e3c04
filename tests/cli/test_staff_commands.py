"""`flask staff`: the first administrator, and a way back in."""

from __future__ import annotations

from sqlalchemy import select

from backoffice.models import Staff


def test_an_account_is_opened_with_a_password_to_change(run, committed):
    answer = run("staff", "create", "--email", "Boss@Example.com", "--name", "负责人", "--role", "admin",
                 "--json")  # fmt: skip
    assert answer.status == 0
    assert answer.json["email"] == "boss@example.com"
    with committed() as session:
        staff = session.scalars(select(Staff)).one()
        assert staff.must_change_password
        assert answer.json["password"] not in (staff.password or "")
        assert [role.name for role in staff.roles] == ["admin"]
    again = run(
        "staff", "create", "--email", "boss@example.com", "--name", "x", "--role", "admin", "--json"
    )
    assert again.status != 0


def test_a_school_account_needs_its_school(run, committed):
    call = (
        "staff",
        "create",
        "--email",
        "s@example.com",
        "--name",
        "x",
        "--role",
        "school",
        "--json",
    )
    assert run(*call).status != 0
    assert run(*call, "--school", "99999").status != 0
    assert run("school", "create", "--code", "10001", "--name", "一大学").status == 0
    assert run(*call, "--school", "10001").status == 0


def test_a_lost_account_gets_back_in(run, committed):
    run("staff", "create", "--email", "a@example.com", "--name", "x", "--role", "finance", "--json")
    with committed() as session:
        staff = session.scalars(select(Staff)).one()
        staff.failed_sign_ins, staff.tf_primary_method, staff.tf_totp_secret = (
            9,
            "authenticator",
            "{}",
        )
        before = staff.password
        session.commit()
    assert run("staff", "reset", "--email", "A@example.com", "--json").status == 0
    with committed() as session:
        staff = session.scalars(select(Staff)).one()
        assert (staff.failed_sign_ins, staff.tf_primary_method) == (0, None)
        assert staff.password != before
    assert run("staff", "reset", "--email", "nobody@example.com", "--json").status != 0
