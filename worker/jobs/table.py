"""Which job each effect is."""

from __future__ import annotations

from worker.jobs.batch_files import give_up_file, make_batch_file
from worker.jobs.bulk import bulk_run
from worker.jobs.job import EffectJob
from worker.jobs.lists import export_list, give_up_export
from worker.jobs.messages import email_photo, notify, remind, tell_answer, tell_decision
from worker.jobs.photo import fail_photo, process_photo
from worker.jobs.refunds import send_refund
from worker.jobs.retention import keep_no_longer
from worker.jobs.rosters import forget_upload, import_roster, interrupt_import
from worker.jobs.staff_mail import invite_staff

_NOTIFY = EffectJob(notify)

EFFECT_JOBS: dict[str, EffectJob] = {
    "notify.paid": _NOTIFY,
    "notify.approved": _NOTIFY,
    "notify.rejected": _NOTIFY,
    "notify.shipped": _NOTIFY,
    "notify.refunded": _NOTIFY,
    "notify.reminder": EffectJob(remind),
    "notify.ticket": EffectJob(tell_answer),
    "notify.request": EffectJob(tell_decision),
    "refund.send": EffectJob(send_refund),
    "refund.retry": EffectJob(send_refund),
    "photo.process": EffectJob(
        process_photo, give_up=fail_photo, max_tries=2, first_delay_seconds=0.5
    ),
    "email.photo": EffectJob(email_photo),
    "bulk.run": EffectJob(bulk_run),
    "roster.import": EffectJob(import_roster, give_up=interrupt_import, max_tries=3),
    "roster.forget": EffectJob(forget_upload),
    "batch.file": EffectJob(make_batch_file, give_up=give_up_file, max_tries=3),
    "staff.invite": EffectJob(invite_staff),
    "retention.daily": EffectJob(keep_no_longer),
    "list.export": EffectJob(export_list, give_up=give_up_export, max_tries=2),
}
