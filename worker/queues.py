"""The RQ queues. Jobs are an outbox id and nothing else; JSON, never pickle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from backoffice.identity import id_card_exchange

DEFAULT, PHOTOS, IMPORTS = "default", "photos", "imports"
QUEUES = (DEFAULT, PHOTOS, IMPORTS)  # filled by the dispatcher from outbox rows
DOCUMENTS = id_card_exchange.QUEUE  # filled by callers that wait; see there
JOB = "worker.jobs.run"
JOB_SECONDS = 120
IMPORT_SECONDS = 900  # the largest file that is read, on a slow machine
DOCUMENT_SECONDS = id_card_exchange.JOB_SECONDS
FAILURE_SECONDS = 3600  # RQ's own record of a failure; ours is the outbox row


def queue(name: str, client: Redis) -> Queue:
    """Return one queue."""
    return Queue(name, connection=client, serializer=JSONSerializer)


def depth(name: str, client: Redis) -> int:
    """Return how many jobs wait in a queue."""
    return client.llen(f"rq:queue:{name}")


def waiting_ids(client: Redis) -> set[str]:
    """Return the outbox ids that wait in any queue."""
    found: set[str] = set()
    for name in QUEUES:
        found.update(
            raw.decode() for raw in cast(list[bytes], client.lrange(f"rq:queue:{name}", 0, -1))
        )
    return found


def enqueue(name: str, ids: Iterable[str], client: Redis, seconds: int) -> None:
    """Put outbox ids into a queue in one round trip. `seconds`: time limit of each job."""
    target = queue(name, client)
    with client.pipeline() as pipe:
        for outbox_id in ids:
            target.enqueue_call(
                JOB,
                args=(outbox_id,),
                timeout=seconds,
                result_ttl=0,
                failure_ttl=FAILURE_SECONDS,
                description=outbox_id,
                job_id=outbox_id,
                pipeline=pipe,
            )
        pipe.execute()
