"""Identity documents, names and phones: what is valid, how it is compared, how it is masked."""
