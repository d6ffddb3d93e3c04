"""The description in Chinese, for /api/v1/docs: what the calls' docstrings say in English.

A test compares both: every call and note is here, and names the same codes, fields and calls in
backticks.
"""

from __future__ import annotations

TAGS = {
    "auth": "注册、登录与令牌",
    "me": "我的资料",
    "texts": "协议与指南",
    "batches": "采集批次与版式",
    "enrolments": "采集码与身份核验",
    "addresses": "地址簿",
    "orders": "订单与流转",
    "payments": "支付",
    "photos": "照片",
    "reprints": "加洗",
    "tickets": "在线客服",
}
ABOUT = """毕业照采集后台的学生接口。

JSON 采用 snake_case，UTF-8 编码。时间为 RFC 3339（UTC），金额为整数分（人民币）。所有错误均为
`application/problem+json`（RFC 9457），其中 `code` 固定不变；文字随 `Accept-Language` 切换（默认 zh-CN，可选
en）。他人的编号一律返回 404。

**重试。** 所有新建或流转的 POST 都支持 `Idempotency-Key`：两天内同一个键、同样的内容得到同样的结果，内容不同则被拒绝。
订单流转可以附上客户端看到的 `version`。

**等待。** 需要轮询的接口都有 `ETag`，带上 `If-None-Match`，没有变化时返回 304。订单事件（`after`、`wait`）和照片
（`wait`）可以最多等待 20 秒；服务器繁忙时立即返回，请隔一秒再问。

**限流。** 按账号、地址和学校计数；超出返回 429 和 `Retry-After`（秒）。

**上传。** 照片可以整张上传（POST photos），也可以分段：开始（POST uploads），按顺序用 `Upload-Offset` PATCH 各段，最后
complete。断线后 GET 该上传，从 `offset` 继续；各段和 `complete` 都可以重发。

**账号。** 令牌不含信息；刷新令牌只能用一次，重复使用会结束该次登录。初始密码（证件号码末尾）须在一天内修改，否则除少数接口外
都返回 403 `password_change_required`。微信注册的账号没有证件信息。"""

# operation -> (summary, description)
CALLS: dict[str, tuple[str, str]] = {
    "get_addresses": ("我的地址", "返回地址簿，默认地址在最前。"),
    "add_address": ("新增地址", "新增一个地址；第一个即为默认地址。"),
    "get_address": ("查看地址", "返回一个地址。"),
    "change_address": ("修改地址", "修改地址；已下的订单保留原地址。"),
    "remove_address": ("删除地址", "删除一个地址。"),
    "get_me": ("我的资料", "返回账号资料。"),
    "change_me": ("修改资料", "修改手机号、邮箱、性别或语言；只有邮箱和性别可以清空。"),
    "erase_me": (
        "申请删除账号",
        "申请删除账号和个人信息。进行中的订单和未结清的款项由工作人员先处理，在此之前账号可正常使用；之后令牌失效，"
        "订单和收款记录去除个人信息后保留。本人可以重新注册。",
    ),
    "give_identity": (
        "补充证件信息",
        "为微信注册的账号补充证件信息，只能一次。不用采集码的批次要核对证件号码，届时必须补充。",
    ),
    "connect_wechat": ("绑定微信", "此后允许 `code` 对应的微信用户登录本账号。"),
    "get_my_consents": ("我同意的协议", "返回本人同意过的每个版本及时间。"),
    "give_consents": ("同意协议", "协议更新后，同意现行版本。"),
    "register_student": (
        "注册",
        "注册账号。不填 `password` 时，初始密码为证件号码后六位，且 `student.must_change_password` 为 true。"
        "consents 填写 GET /consents 返回的版本。",
    ),
    "login": ("登录", "用证件号码或手机号登录；账号不存在与密码错误的返回相同。"),
    "wechat_login": (
        "微信登录",
        "以 `code` 对应的微信用户登录，新用户立即建立账号。首次需要 `phone_code` 和 `consents`。账号没有证件信息，可用"
        " POST /me/identity 补充；有采集码时不需要。手机号已有带密码的账号时返回 `wechat_account_exists`：先用密码登录一次，再"
        " POST /me/wechat。每个 code 只能用一次，请带 Idempotency-Key，以便丢失的结果可以再取。",
    ),
    "refresh": (
        "换新令牌",
        "用掉刷新令牌，换取下一对令牌。重复使用已用过的刷新令牌会作废该次登录的全部令牌。请带 Idempotency-Key，以便丢失的结果可以再取。",
    ),
    "logout": ("退出登录", "作废本次登录的全部令牌。"),
    "password": (
        "修改密码",
        "设置新密码；其他登录全部结束，并返回新令牌。初始密码（证件号码末尾）须在 FIRST_PASSWORD_HOURS（默认一天）内修改；"
        "逾期后除本接口、GET /me 和退出登录外都返回 `password_change_required`。",
    ),
    "get_batch": ("采集批次", "按特征码返回批次，不分大小写。"),
    "get_layouts": ("冲印版式", "返回所有版式；批次列出其提供的版式。"),
    "read_id_card": (
        "识别身份证",
        "识别居民身份证人像面，方向不限。图片加密交给识别进程，不做任何保存。最多等待几秒；没有空闲识别进程时返回 503 和 Retry-After。"
        "`valid_checksum` 为 false 说明至少一个字符识别有误或证件不真实，请让学生核对。",
    ),
    "decode_batch_code": (
        "识别批次二维码",
        "识别相册图片中的批次二维码。只返回码中内容，不判断批次是否存在：请用 GET /batches/{feature_code} 查询。",
    ),
    "decode_capture_code": ("识别采集码", "识别图片中的采集码（保存的图片、截图或翻拍屏幕均可）。"),
    "identify_student": (
        "核验身份",
        "认领与后四位和采集码一致的名册信息。同一账号重复调用结果相同。每个账号、每个地址每小时最多错误十次，超出返回 429。"
        "`requires_capture_code` 为 false 的批次核对后四位和账号本人的证件号码。",
    ),
    "enrol": (
        "名册外登记",
        "批次 `allow_unlisted` 时自行登记。需要采集码的批次在此同样需要；不一致计为一次错误。登记后视为已确认。",
    ),
    "get_enrolments": ("我的登记", "返回本人在各批次的登记，最新的在最前。"),
    "get_enrolment": ("查看登记", "返回一个批次中的登记。"),
    "confirm_enrolment": ("确认信息", "确认预填信息无误，下单前必须确认。"),
    "ask_correction": (
        "申请更正",
        "请学校更正预填信息，学校同意前不作改动。答复见 GET /enrolment-requests，期间仍可确认和下单。",
    ),
    "contest": (
        "名册申诉",
        "说明被其他账号认领（`enrolment_taken`）的名册是本人的，由学校决定。错误次数与核验身份合并计算。同意后可在 GET /enrolments 看到。",
    ),
    "get_enrolment_requests": ("我的申请", "返回更正和申诉，以及学校的答复。"),
    "create_order": (
        "下单",
        "新建 `draft` 订单；超过批次规定的时间未支付即关闭。必选服务自动加入。`courier` 需要本人的一个地址。选 `digital` 又要纸质照片的，"
        "照片在学校领取。",
    ),
    "get_orders": ("我的订单", "返回本人的订单，最新的在最前。"),
    "get_order": (
        "查看订单",
        "返回一个订单。`allowed_actions` 列出当前可用的操作：`cancel`、`pay`（POST payments）、`upload_photo`（POST photos）、"
        "`submit`、`withdraw`、`request_refund`、`confirm_receipt`、`download_photo`、`email_photo` 和 `reprint`。",
    ),
    "get_events": (
        "订单历史",
        "返回订单的每次流转，最早的在最前。`after`（序号，即订单的 `version`）只返回其后的；`wait` 最多等待若干秒，直到有新的流转，"
        "客户端不必反复询问。服务器繁忙时立即返回，请隔一秒再问。",
    ),
    "cancel_order": ("取消订单", "关闭未支付的订单。"),
    "submit_order": ("提交审核", "把最新一张通过检测的照片提交审核。"),
    "withdraw_order": ("撤回提交", "审核作出决定前撤回照片。"),
    "request_refund": ("申请退款", "在 `paid` 或 `rejected` 状态申请退款。"),
    "confirm_receipt": ("确认收货", "确认已收到包裹。"),
    "create_payment": (
        "支付",
        "开始支付待支付的订单；仍在等待的支付会原样返回。金额为 0 的订单立即完成。只有支付机构的回调才会使订单进入 `paid`。"
        "先拍照的批次须先有通过检测的照片。",
    ),
    "upload_photo": (
        "上传照片",
        "上传 JPEG、PNG、WebP 或 HEIC，最大 20 MB。先拍照的批次在 `draft`，此外在 `paid` 和 `rejected` 状态可以上传。"
        "几秒内得到检测结果：GET 该照片。",
    ),
    "get_photo": (
        "照片与检测结果",
        "返回处理进度和检测结果。`wait`：照片为 `queued` 或 `processing` 时最多等待若干秒；服务器繁忙时立即返回，请隔一秒再问。",
    ),
    "get_finished_photo": ("下载成片", "返回成片，`approved` 起可用。"),
    "email_photo": ("成片发送到邮箱", "把成片发送到邮箱，`approved` 起可用。"),
    "get_file": ("签名地址的图片", "返回签名地址对应的图片；地址来自 GET photo。"),
    "create_reprint": ("加洗", "加洗已通过的照片：生成 `reprint` 订单，待支付。"),
    "get_consents": ("协议", "返回现行的用户服务协议、隐私政策和肖像采集同意书。"),
    "get_guide": ("指南", "返回指南：`shooting`、`standard` 或 `capture-code`。"),
    "open_ticket": ("提问", "新建咨询及其第一条消息。"),
    "get_tickets": ("我的咨询", "返回本人的咨询，最新的在最前。"),
    "get_messages": ("咨询的消息", "返回全部消息，最早的在最前。"),
    "write_message": ("发送消息", "再写一条消息；已答复的咨询重新打开。"),
    "create_upload": (
        "开始分段上传",
        "开始分段上传照片；该订单未完成的上传随之作废。然后依次 PATCH 各段，最后 POST complete。断线后 GET 该上传，从 `offset` 继续。"
        "未完成的上传一天后删除。",
    ),
    "get_upload": ("上传进度", "返回上传到了哪里。"),
    "send_part": (
        "发送一段",
        "从 `Upload-Offset` 起发送，每段 64 KB 至 4 MB。同一段重发没有影响。位置不符时返回 `upload_offset_wrong`，其文字和 GET 都给出正确的位置。",
    ),
    "finish_upload": ("完成上传", "把各段合成照片，此后与 POST photos 相同。可以重发。"),
    "delete_upload": ("放弃上传", "丢弃未完成的上传。"),
}

# note of a field in English -> in Chinese
NOTES = {
    "of a personal code; null on posters": "来自个人二维码；海报上的二维码没有，为 null",
    "the number's own where `valid_checksum`": "`valid_checksum` 为 true 时取自证件号码",
    "below 0.8 let the student check every character": "低于 0.8 时请学生逐字核对",
    "whole fen (1/100 yuan), CNY": "整数分（人民币）",
    "for the service `prints`; absent: the batch's first": "用于 `prints` 服务；不填为批次的第一种版式",
    "8 to 128 characters; absent: the last six of the ID number": "8 至 128 个字符；不填为证件号码后六位",
}
