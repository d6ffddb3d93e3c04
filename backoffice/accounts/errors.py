"""What accounts refuse, each with a stable code."""

from __future__ import annotations

from typing import ClassVar

from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.i18n import Text


class AccountExists(BackofficeError):
    """The ID number has an account already."""

    code = "account_exists"
    title = Text("账号已存在", "The account exists")
    detail = Text(
        "该证件号码已注册，请直接登录；忘记密码请联系学校或客服。",
        "This ID number is registered already: please sign in, or ask your school for help.",
    )


class InvalidCredentials(BackofficeError):
    """Unknown log-in or wrong password: the answer is the same."""

    code = "invalid_credentials"
    title = Text("账号或密码错误", "Wrong log-in or password")
    detail = Text(
        "证件号码（手机号）或密码不正确，请重新输入。",
        "The ID number (or phone) or the password is not right; please try again.",
    )


class TokenInvalid(BackofficeError):
    """No token, or one we did not give out, or a revoked one."""

    code = "token_invalid"
    title = Text("请先登录", "Please sign in")
    detail = Text("登录状态无效，请重新登录。", "You are not signed in; please sign in again.")


class TokenExpired(TokenInvalid):
    """The token was ours and its time is over."""

    code = "token_expired"
    title = Text("登录已过期", "The sign-in has expired")
    detail = Text(
        "登录已过期，请刷新令牌或重新登录。",
        "The sign-in has expired; refresh the token or sign in again.",
    )


class RefreshTokenReused(TokenInvalid):
    """A spent refresh token came back: somebody has a copy, so the whole family is revoked.

    `keeps_changes` tells the edge to commit: the revocation must outlive the refusal.
    """

    keeps_changes: ClassVar[bool] = True
    code = "refresh_token_reused"
    title = Text("登录状态异常", "The refresh token was used before")
    detail = Text(
        "该刷新令牌已被使用过，为保护账号已退出登录，请重新登录。",
        "This refresh token was used before; to protect the account please sign in again.",
    )


class WrongPassword(InvalidInput):
    """The present password given for a change is not right."""

    code = "wrong_password"
    title = Text("原密码错误", "Wrong password")

    def __init__(self) -> None:
        super().__init__(
            "current_password", Text("原密码不正确。", "The present password is not right.")
        )


class PasswordUnsuitable(InvalidInput):
    """The new password breaks a rule."""

    code = "password_unsuitable"
    title = Text("密码不符合要求", "Unsuitable password")

    def __init__(self, field: str, reason: Text) -> None:
        super().__init__(field, reason)


class ConsentRequired(InvalidInput):
    """One of the three texts was not agreed to."""

    code = "consent_required"
    title = Text("需要您的同意", "Your consent is needed")

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"consents.{kind}",
            Text(
                "请阅读并分别同意用户协议、隐私政策和肖像采集同意书。",
                "Please read and agree to the terms, the privacy policy and the portrait consent.",
            ),
        )


class ConsentOutdated(InvalidInput):
    """The version agreed to is not the one in force."""

    code = "consent_outdated"
    title = Text("协议已更新", "The text has changed")

    def __init__(self, kind: str, version: str) -> None:
        super().__init__(
            f"consents.{kind}",
            Text(
                "协议已更新为版本 {version}，请重新阅读并同意。",
                "Version {version} is in force; please read it and agree again.",
            ),
            version=version,
        )


class AddressNotFound(NotFound):
    """No such address of this student."""

    code = "address_not_found"
    title = Text("没有找到该地址", "Address not found")
    detail = Text("没有找到该收货地址。", "No such delivery address.")


class TooManyAddresses(BackofficeError):
    """The address book is full."""

    code = "too_many_addresses"
    title = Text("地址过多", "Too many addresses")
    detail = Text(
        "最多保存 {limit} 个地址，请先删除不用的地址。",
        "At most {limit} addresses are kept; delete one first.",
    )


class TicketNotFound(NotFound):
    """No such ticket of this student."""

    code = "ticket_not_found"
    title = Text("没有找到该咨询", "Ticket not found")
    detail = Text("没有找到该咨询记录。", "No such ticket.")


class TicketClosed(BackofficeError):
    """The conversation is over."""

    code = "ticket_closed"
    title = Text("咨询已结束", "The ticket is closed")
    detail = Text("该咨询已结束，请发起新的咨询。", "This ticket is closed; open a new one.")


class PasswordChangeRequired(BackofficeError):
    """The first password has been kept too long; nothing but changing it is allowed."""

    code = "password_change_required"
    title = Text("请先修改初始密码", "Change the first password")
    detail = Text(
        "初始密码已过期，请先修改密码再继续。",
        "The first password has expired; change it before going on.",
    )


class IdentityKnown(BackofficeError):
    """The account has an ID document; the school corrects it."""

    code = "identity_known"
    title = Text("证件信息已填写", "The ID document is known")
    detail = Text(
        "账号已有证件信息，如需更正请联系学校。",
        "Your account has an ID document already; ask your school to correct it.",
    )


class WechatNotOffered(BackofficeError):
    """No mini-program is configured."""

    code = "wechat_not_offered"
    title = Text("未开通微信登录", "WeChat sign-in is not offered")
    detail = Text(
        "本系统未开通微信一键登录，请使用证件号码或手机号登录。",
        "WeChat sign-in is not offered here; sign in with your ID number or phone.",
    )


class WechatCodeInvalid(BackofficeError):
    """WeChat does not know the code: wrong, expired or used before."""

    code = "wechat_code_invalid"
    title = Text("微信登录凭证无效", "The WeChat code is invalid")
    detail = Text(
        "微信登录凭证已失效，请重新点击微信登录。",
        "The WeChat code is wrong or was used before; tap WeChat sign-in again.",
    )


class WechatRefused(BackofficeError):
    """WeChat holds the user to be a risk and gives nothing."""

    code = "wechat_refused"
    title = Text("微信拒绝登录", "WeChat refused the sign-in")
    detail = Text(
        "微信暂不允许该用户登录，请使用证件号码或手机号登录。",
        "WeChat does not let this user sign in; use your ID number or phone.",
    )


class WechatUnavailable(BackofficeError):
    """WeChat does not answer, or not as documented; a retry can help."""

    code = "wechat_unavailable"
    title = Text("微信服务暂不可用", "WeChat is not available")
    detail = Text(
        "微信服务暂时没有响应，请稍后重试，或使用密码登录。",
        "WeChat does not answer at present; try again soon, or sign in with your password.",
    )


class WechatPhoneNeeded(BackofficeError):
    """A WeChat user without an account, and no code for the phone number."""

    code = "wechat_phone_needed"
    title = Text("需要授权手机号", "The phone number is needed")
    detail = Text(
        "首次使用微信登录，请授权手机号以创建账号。",
        "This is your first WeChat sign-in; allow your phone number, so that an account is made.",
    )


class WechatAccountExists(BackofficeError):
    """The phone belongs to an account with a password, which the phone alone does not open."""

    code = "wechat_account_exists"
    title = Text("该手机号已注册", "The phone has an account")
    detail = Text(
        "该手机号已注册账号，请先用密码登录，再绑定微信。",
        "This phone has an account: sign in with its password once, then connect WeChat.",
    )


class WechatTaken(BackofficeError):
    """The WeChat user is connected to another account."""

    code = "wechat_taken"
    title = Text("该微信已绑定其他账号", "Connected to another account")
    detail = Text(
        "该微信已绑定其他账号，请直接使用微信登录该账号。",
        "This WeChat user is connected to another account; sign in to that one with WeChat.",
    )
