"""Taking money and giving it back: providers behind one protocol, notices, refunds."""
