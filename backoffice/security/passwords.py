"""Which passwords staff may choose: long enough and not easily guessed; nothing about letters mixed
with digits and signs (NIST SP 800-63B 3.1.1.2: a blocklist instead of composition rules).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher

from backoffice.errors import InvalidInput
from backoffice.i18n import Text

PASSWORD_MIN = 10
PASSWORD_MAX = 128
PERSONAL_MIN = 4  # shorter parts of a name or address prove nothing
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes: it may be read out on the telephone
# Words that lists of leaked passwords are full of; digits and signs around them change nothing.
_STEM_WORDS = """
password passwort passw0rd p@ssword p@ssw0rd pass qwerty qwertyuiop qwert asdf asdfgh asdfghjkl
zxcvbn zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc qweqwe asdasd zxczxc admin administrator root
system manager test testing guest user master welcome letmein login changeme secret default
iloveyou loveyou monkey dragon football baseball sunshine princess superman batman shadow michael
woaini woaiwojia aini wodemima mima guanliyuan xuexiao daxue laoshi biye zhaopian zhongguo china
beijing shanghai hello abc abcd abcdef abcabc aaa qq weixin wechat taobao alibaba baidu tencent
xuexin chsi student teacher school university graduate photo backoffice demo
"""
_STEMS = frozenset(_STEM_WORDS.split())
_RUNS = (
    "01234567890123456789",
    "09876543210987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "!@#$%^&*()",
)
_REPEATED = re.compile(r"(.{1,5}?)\1+.{0,2}", re.DOTALL)
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_hasher = PasswordHasher()

TOO_SHORT = Text("密码至少 10 个字符，最多 128 个。", "A password has 10 to 128 characters.")
TOO_COMMON = Text(
    "这个密码太常见，容易被猜到。可以用几个不相关的词连起来。",
    "This password is common and easily guessed. Try a few unrelated words in a row.",
)
TOO_PERSONAL = Text(
    "密码不能包含您的姓名或邮箱。", "The password must not contain your name or e-mail address."
)


def hash_staff_password(password: str) -> str:
    """Return the argon2id hash Flask-Security verifies (single hash, NFKD as it normalises)."""
    return _hasher.hash(unicodedata.normalize("NFKD", password))


def new_password() -> str:
    """Return a random first password of about 59 bits, easy to read out."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(3))


def weakness(password: str, personal: Iterable[str] = ()) -> Text | None:
    """Return why this password is refused, or None if it may be used.

    personal: the account's name and address, whose parts must not be in it.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return TOO_SHORT
    folded = unicodedata.normalize("NFKC", password).casefold()
    if _guessable(folded):
        return TOO_COMMON
    parts = {part for text in personal for part in re.split(r"[@.\s_-]+", text.casefold())}
    if any(len(part) >= PERSONAL_MIN and part in folded for part in parts):
        return TOO_PERSONAL
    return None


def _guessable(folded: str) -> bool:
    stem = _AROUND.sub("", folded)
    unmasked = stem.translate(str.maketrans("01345@$!7", "oieasasit"))
    return (
        stem in _STEMS
        or unmasked in _STEMS
        or not stem
        or _REPEATED.fullmatch(folded) is not None
        or any(folded in run or stem in run for run in _RUNS)
        or len(set(folded)) < PERSONAL_MIN
    )


def checked_password(password: str, personal: Iterable[str] = ()) -> str:
    """Return the password if it may be used. Raises InvalidInput naming the field."""
    reason = weakness(password, personal)
    if reason is not None:
        raise InvalidInput("password", reason)
    return password
