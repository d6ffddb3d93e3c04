"""The workers' door: outbox dispatcher, queue workers, warm photo workers, scheduler."""
