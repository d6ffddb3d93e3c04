"""The photo pipeline: a phone picture in, the official portrait or a named refusal out.

No database and no Flask here. `pipeline.process` is the way through, in order.
"""
