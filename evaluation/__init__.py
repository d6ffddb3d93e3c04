"""How well the photo checks judge: labelled pictures in, a table out; and the contact sheet."""
