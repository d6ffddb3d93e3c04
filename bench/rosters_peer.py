"""django-import-export doing the job of `bench.rosters`: the same file, fields checked, kept in PostgreSQL."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import make_url

from backoffice.settings import Settings

TEXTS = {
    "name": 60, "id_type": 32, "gender": 8, "college": 100, "major": 100, "class_name": 100,
}  # fmt: skip
COLUMNS = (
    "student_no", "name", "id_type", "id_number", "gender", "birth_date", "college", "major",
    "class_name", "phone",
)  # fmt: skip


class Peer:
    """A table with a row for each student and a resource for it, as the manual shows them.

    Each field is checked as far as Django's own validators go; nothing is sealed, compared with
    other batches or kept for an undo.
    """

    def __init__(self, settings: Settings) -> None:
        _set_up(settings)
        from django.db import connection

        self._connection, self._model = connection, _model()

    def seconds(self, data: bytes, rows: int, **options: Any) -> float:
        """Return the seconds of importing `data` into an empty table; options: of the resource."""
        from import_export import resources
        from import_export.formats.base_formats import XLSX

        with self._connection.schema_editor() as editor:
            editor.create_model(self._model)
        meta = {
            "import_id_fields": ("student_no",),
            "exclude": ("id",),
            "clean_model_instances": True,
            **options,
        }
        resource = resources.modelresource_factory(self._model, meta_options=meta)()
        began = time.perf_counter()
        dataset = XLSX().create_dataset(data)
        dataset.headers = list(COLUMNS)
        result = resource.import_data(dataset, raise_errors=True, use_transactions=True)
        took = time.perf_counter() - began
        if result.totals["new"] != rows or self._model.objects.count() != rows:
            raise RuntimeError(f"the peer imported {result.totals}")
        with self._connection.schema_editor() as editor:
            editor.delete_model(self._model)
        return took

    def end(self) -> None:
        """Close the connection."""
        self._connection.close()


def _set_up(settings: Settings) -> None:
    import django
    from django.conf import settings as django_settings

    address = make_url(settings.database_url)
    django_settings.configure(
        INSTALLED_APPS=["import_export"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.database,
                "USER": address.username,
                "HOST": address.query["host"],
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def _model() -> Any:
    """Return the model: the columns of our own table that the file fills, indexed as ours are."""
    from django.core.exceptions import ValidationError
    from django.core.validators import RegexValidator
    from django.db import models

    from backoffice.identity.check_characters import resident_check_character

    def check_digit(number: str) -> None:
        if resident_check_character(number[:17]) != number[17]:
            raise ValidationError("check digit")

    shape = RegexValidator(r"^[1-8][0-9]{5}(19|20)[0-9]{9}[0-9X]$")
    fields: dict[str, Any] = {
        name: models.CharField(max_length=length, db_index=name == "name")
        for name, length in TEXTS.items()
    }
    fields["student_no"] = models.CharField(
        max_length=32, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9_./-]+$")]
    )
    fields["id_number"] = models.CharField(
        max_length=18, db_index=True, validators=[shape, check_digit]
    )
    fields["birth_date"] = models.DateField()
    fields["phone"] = models.CharField(
        max_length=11, db_index=True, validators=[RegexValidator(r"^1[3-9][0-9]{9}$")]
    )
    meta = type("Meta", (), {"app_label": "import_export"})
    return type("Student", (models.Model,), {"__module__": __name__, **fields, "Meta": meta})
