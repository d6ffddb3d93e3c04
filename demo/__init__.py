"""`make demo`: the main job once, end to end, from the outside of the running system."""
