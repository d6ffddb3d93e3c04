"""Who may open which address of the back office: written out by hand, one line for every view.

A view that is not named here fails `test_every_door`. `SENIOR` is a reviewer named a senior.
`HOUSE` doors stay closed to accounts that are bound to one school, whatever their role.
"""

from __future__ import annotations

ADMIN, SCHOOL, REVIEWER, OPERATOR, FINANCE = ("admin", "school", "reviewer", "operator", "finance")
SENIOR = "senior"
STRANGER = "stranger"
STAFF = frozenset({ADMIN, SCHOOL, REVIEWER, OPERATOR, FINANCE, SENIOR})
REVIEWERS = frozenset({REVIEWER, SENIOR})
LIST = "index_view find save_view remove_view"


def _doors(room: str, views: str, *roles: str) -> dict[str, frozenset[str]]:
    opened = frozenset(roles) | (REVIEWERS if REVIEWER in roles else frozenset())
    return {f"{room}.{view}": opened for view in views.split()}


DOORS: dict[str, frozenset[str]] = {
    # before signing in, and what every page loads
    **_doors("security", "login mf_recovery two_factor_token_validation static", *STAFF, STRANGER),
    **_doors("invitation", "show accept", *STAFF, STRANGER),
    **_doors("backoffice_admin", "choose_language static", *STAFF, STRANGER),
    **_doors("admin", "static", *STAFF, STRANGER),
    # one's own
    **_doors("admin", "index", *STAFF),
    **_doors("account", "index new_codes prove remove second_factor sign_out", *STAFF),
    **_doors("security", "change_password logout", *STAFF),
    # the library's own set-up of second factors is replaced by ours
    **_doors("security", "mf_recovery_codes tf_select two_factor_rescue two_factor_setup"
             " two_factor_setup_validate"),
    # collection
    **_doors("batches", f"{LIST} batch code poster progress", ADMIN, SCHOOL, REVIEWER, OPERATOR),
    **_doors("batches", "create_view edit_view step", ADMIN, SCHOOL),
    **_doors("batches", "people ask_file file ask_reminder send_reminder", ADMIN, SCHOOL),
    **_doors("batches", "export_pictures package", ADMIN, SCHOOL, OPERATOR),
    **_doors("imports", f"{LIST} upload report choose columns confirm check discard undo error_workbook"
             " template", ADMIN, SCHOOL),
    **_doors("enrolments", LIST, ADMIN, SCHOOL),
    **_doors("orders", f"{LIST} order fire undo", *STAFF),
    **_doors("photos", LIST, ADMIN, SCHOOL, REVIEWER, OPERATOR),
    **_doors("pictures", "index picture", ADMIN, SCHOOL, REVIEWER, OPERATOR),
    **_doors("requests", "index decide", ADMIN, SCHOOL),
    **_doors("requests", "erase", ADMIN),
    **_doors("tickets", f"{LIST} ticket answer close", ADMIN, SCHOOL, OPERATOR),
    # review
    **_doors("review", "desk sheet filter similar claim decide decide_sheet escalate heartbeat leave"
             " skip undo", REVIEWER),
    **_doors("opinions", "index settle", SENIOR),
    **_doors("review_figures", "index", ADMIN, REVIEWER),
    **_doors("review_rules", "index batch senior", ADMIN),
    **_doors("reasons", LIST, ADMIN, SCHOOL, REVIEWER),
    **_doors("reasons", "create_view edit_view retire", ADMIN),
    **_doors("standards", f"{LIST} standard", ADMIN, SCHOOL, REVIEWER, OPERATOR),
    **_doors("standards", "create_view edit retire move_batches", ADMIN),
    # production and money
    **_doors("fulfilment", "index ship", OPERATOR),
    **_doors("bulk", "index ask start run", ADMIN, OPERATOR, FINANCE),
    **_doors("finance", "index", ADMIN, FINANCE),
    **_doors("payments", LIST, ADMIN, FINANCE),
    **_doors("refunds", LIST, ADMIN, FINANCE),
    # the house
    **_doors("schools", LIST, ADMIN, SCHOOL),
    **_doors("schools", "create_view edit_view", ADMIN),
    **_doors("staff", f"{LIST} create_view edit_view invite reset_password reset_second_factor"
             " sign_out unlock", ADMIN),
    **_doors("workflow", "index", ADMIN, REVIEWER, OPERATOR, FINANCE),
    **_doors("outbox", f"{LIST} replay", ADMIN),
    **_doors("events", LIST, ADMIN, SCHOOL, FINANCE),
    **_doors("exports", "index start file", ADMIN, SCHOOL, OPERATOR, FINANCE),
}  # fmt: skip

# Closed to an administrator of one school: these concern every school.
HOUSE: frozenset[str] = frozenset(
    {
        *_doors("review_rules", "index batch senior"),
        *_doors("requests", "erase"),
        *_doors("reasons", "create_view edit_view retire"),
        *_doors("standards", "create_view edit retire move_batches"),
        *_doors("schools", "create_view edit_view"),
        *_doors("staff", f"{LIST} create_view edit_view invite reset_password reset_second_factor"
                " sign_out unlock"),
        *_doors("outbox", f"{LIST} replay"),
    }
)  # fmt: skip
