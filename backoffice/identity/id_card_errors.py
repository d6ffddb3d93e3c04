"""Why a picture of an ID card cannot be used, with what to do about it."""

from __future__ import annotations

from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text

NO_TEXT = Text(
    "图片中没有识别到文字，请把身份证人像面平放、对焦清晰后重新拍摄。",
    "No text was found in the picture; lay the card flat with its portrait side up, wait for the "
    "focus and take it again.",
)
NO_NUMBER = Text(
    "没有识别到完整的身份证号码。请拍摄居民身份证人像面，四角完整、光线均匀、避免反光，也可以手动填写。",
    "No complete ID number was found. Take the portrait side of a resident ID card, all four "
    "corners visible, in even light without glare; or type the data in.",
)
BACK_SIDE = Text(
    "这是身份证国徽面，请拍摄有姓名和号码的人像面。",
    "This is the side with the emblem; take the side with the name and the number.",
)
OTHER_DOCUMENT = Text(
    "只能识别居民身份证人像面；使用护照、通行证等证件请手动填写。",
    "Only the portrait side of a resident ID card can be read; for a passport or permit please "
    "type the data in.",
)
NOT_A_CARD = Text(
    "图片中有号码，但没有识别到身份证上的其他内容，请拍摄整张身份证人像面。",
    "There is a number in the picture but nothing else of an ID card; take the whole portrait side.",
)
SEVERAL_CARDS = Text(
    "图片中不止一张身份证，请只拍摄本人的一张。",
    "There is more than one ID card in the picture; take your own only.",
)
UNSURE = Text(
    "号码有几位看不清，请避免反光、靠近一些重新拍摄，也可以手动填写。",
    "Some characters of the number are not clear; come closer, avoid glare and take it again, or "
    "type the data in.",
)


class IdCardUnreadable(InvalidInput):
    """The picture holds no front of a resident ID card that can be read; `reason` says why."""

    code = "id_card_unreadable"
    title = Text("未识别到身份证", "The ID card could not be read")
    detail = NO_NUMBER

    def __init__(self, reason: Text = NO_NUMBER, **params: object) -> None:
        super().__init__("image", reason, **params)


class IdCardReaderBusy(BackofficeError):
    """No reader was free in time; nothing was kept, and the same request may be sent again."""

    code = "id_card_reader_busy"
    title = Text("身份证识别繁忙", "ID card reading is busy")
    detail = Text(
        "身份证识别正忙，请稍后重试，也可以手动填写。",
        "ID card reading is busy; please try again shortly, or type the data in.",
    )
