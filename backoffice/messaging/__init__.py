"""Telling students what happened: SMS and e-mail, once each, in the language of the account."""
