"""The texts students receive. SMS carry no links and no personal data beyond the order number."""

from __future__ import annotations

from dataclasses import dataclass

from backoffice.i18n import Text


@dataclass(frozen=True)
class Template:
    """One message: the SMS text, also the body of the e-mail, and the e-mail's subject."""

    subject: Text
    body: Text


SIGNATURE = Text("【学历图像采集】", "[Graduate portraits] ")

TEMPLATES: dict[str, Template] = {
    "paid": Template(
        Text("订单 {number} 已付款", "Order {number} is paid"),
        Text(
            "您的订单 {number} 已收到付款 {yuan} 元，请进入采集页面提交照片。",
            "We received {yuan} yuan for order {number}. Please submit your photo.",
        ),
    ),
    "paid_photo_first": Template(
        Text("订单 {number} 已付款", "Order {number} is paid"),
        Text(
            "您的订单 {number} 已收到付款 {yuan} 元，照片已提交审核，结果将另行通知。",
            "We received {yuan} yuan for order {number}. Your photo is now under review.",
        ),
    ),
    "paid_reprint": Template(
        Text("加洗订单 {number} 已付款", "Reprint order {number} is paid"),
        Text(
            "您的加洗订单 {number} 已收到付款 {yuan} 元，我们将尽快制作。",
            "We received {yuan} yuan for reprint order {number}. Your prints will be made soon.",
        ),
    ),
    "reminder_start": Template(
        Text("{batch}：您尚未开始采集", "{batch}: you have not begun"),
        Text(
            "{school}{batch}将于 {closes} 截止，您尚未开始。请扫描学校发放的二维码，或在采集页面"
            "输入特征码 {code}。",
            "{school}, {batch} closes on {closes} and you have not begun. Scan the school's QR"
            " code, or enter the feature code {code} on the portrait page.",
        ),
    ),
    "reminder_order": Template(
        Text("{batch}：您尚未下单", "{batch}: you have not ordered yet"),
        Text(
            "{school}{batch}将于 {closes} 截止，您已登记但尚未下单。请进入采集页面继续，"
            "特征码 {code}。",
            "{school}, {batch} closes on {closes}. You have signed in but not ordered yet; please"
            " go on at the portrait page, feature code {code}.",
        ),
    ),
    "reminder_unpaid": Template(
        Text("订单 {number} 尚未支付", "Order {number} is not paid yet"),
        Text(
            "采集将于 {closes} 截止，您的订单 {number} 尚未支付，请尽快完成支付和拍照。",
            "The collection closes on {closes}. Order {number} is not paid yet; please finish soon.",
        ),
    ),
    "reminder_photo": Template(
        Text("订单 {number} 尚未提交照片", "Order {number} still needs a photo"),
        Text(
            "采集将于 {closes} 截止，您的订单 {number} 还没有合格的照片，请尽快拍摄并提交。",
            "The collection closes on {closes}. Order {number} still needs a photo; please submit it.",
        ),
    ),
    "approved": Template(
        Text("订单 {number} 照片已通过审核", "The photo of order {number} is approved"),
        Text(
            "您的订单 {number} 照片已通过审核，可在采集页面查看成片。",
            "The photo of order {number} is approved. You can see it on the portrait page.",
        ),
    ),
    "rejected": Template(
        Text("订单 {number} 照片未通过审核", "The photo of order {number} was not accepted"),
        Text(
            "您的订单 {number} 照片未通过审核。{reasons}请按建议重新拍摄后提交。",
            "The photo of order {number} was not accepted. {reasons}Please take a new one.",
        ),
    ),
    "rejected_refund": Template(
        Text("订单 {number} 照片未通过审核", "The photo of order {number} was not accepted"),
        Text(
            "您的订单 {number} 照片未通过审核。{reasons}已付的 {yuan} 元将原路退回。",
            "The photo of order {number} was not accepted. {reasons}Your {yuan} yuan will be"
            " refunded.",
        ),
    ),
    "shipped": Template(
        Text("订单 {number} 已发货", "Order {number} has been shipped"),
        Text(
            "您的订单 {number} 已发货：{carrier}，单号 {tracking_no}。",
            "Order {number} has been shipped: {carrier}, tracking number {tracking_no}.",
        ),
    ),
    "refunded": Template(
        Text("订单 {number} 已退款", "Order {number} has been refunded"),
        Text(
            "您的订单 {number} 已退款 {yuan} 元，款项原路退回。",
            "{yuan} yuan for order {number} have been refunded to where they came from.",
        ),
    ),
    "ticket_answered": Template(
        Text("您的咨询已回复", "Your question was answered"),
        Text(
            "您的咨询已有回复，请进入采集页面的“联系客服”查看。",
            "Your question was answered. Please read the answer under Help on the portrait page.",
        ),
    ),
    "request_correction_accepted": Template(
        Text("您申请的信息更正已同意", "Your correction was accepted"),
        Text(
            "您对{batch}信息的更正申请已同意，请进入采集页面核对。",
            "Your correction for {batch} was accepted. Please check your data on the portrait page.",
        ),
    ),
    "request_correction_refused": Template(
        Text("您申请的信息更正未获同意", "Your correction was not accepted"),
        Text(
            "您对{batch}信息的更正申请未获同意，请进入采集页面查看学校的答复。",
            "Your correction for {batch} was not accepted. Please read the school's answer on the"
            " portrait page.",
        ),
    ),
    "request_contest_accepted": Template(
        Text("您的名册申诉已同意", "Your claim was accepted"),
        Text(
            "您对{batch}名册的申诉已同意，名册已转到您的账号，请进入采集页面核对信息并继续。",
            "Your claim in {batch} was accepted: the entry is yours. Please check the data on the"
            " portrait page and go on.",
        ),
    ),
    "request_contest_refused": Template(
        Text("您的名册申诉未获同意", "Your claim was not accepted"),
        Text(
            "您对{batch}名册的申诉未获同意，请进入采集页面查看学校的答复。",
            "Your claim in {batch} was not accepted. Please read the school's answer on the"
            " portrait page.",
        ),
    ),
    "request_lost": Template(
        Text("您认领的名册已转给他人", "An entry you had claimed was given to somebody else"),
        Text(
            "经学校核实，您在{batch}认领的名册属于另一位同学，已转给对方。如有疑问，请联系学校。",
            "Your school found that the entry you had claimed in {batch} belongs to somebody else."
            " If that is wrong, please ask your school.",
        ),
    ),
    "finished_photo": Template(
        Text("订单 {number} 的成片", "The finished picture of order {number}"),
        Text(
            "您的订单 {number} 的成片见附件，请妥善保管。",
            "The finished picture of order {number} is attached. Please keep it safe.",
        ),
    ),
}

REASON = Text("原因：{message}。建议：{advice}", "Reason: {message}. Advice: {advice} ")


def kind_of(name: str) -> str:
    """Return what a message is about: the variants of one kind differ only in their words."""
    return name.partition("_")[0] if name != "finished_photo" else name


def render(name: str, locale: str, **values: str) -> tuple[str, str]:
    """Return (subject, body) of a message in `locale`; `values` fill the fields."""
    template = TEMPLATES[name]
    return template.subject.get(locale, **values), template.body.get(locale, **values)


def render_reasons(locale: str, reasons: list[tuple[Text, Text]]) -> str:
    """Return the rejection reasons (message, advice) as sentences."""
    return "".join(
        REASON.get(
            locale, message=message.get(locale).rstrip("。."), advice=_sentence(advice, locale)
        )
        for message, advice in reasons
    )


def _sentence(advice: Text, locale: str) -> str:
    said = advice.get(locale).strip()
    stop = "." if locale == "en" else "。"
    return said if said.endswith(("。", ".", "！", "!")) else said + stop


def sms_text(body: str, locale: str) -> str:
    """Return the SMS as it leaves, with the signature in front."""
    return SIGNATURE.get(locale) + body
