"""What ordering and uploading refuse, each with a stable code."""

from __future__ import annotations

from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.i18n import Text


class OrderExists(BackofficeError):
    """The enrolment has a live order already."""

    code = "order_exists"
    title = Text("已有进行中的订单", "An order exists")
    detail = Text(
        "该学籍已有进行中的订单，请继续该订单；取消或退款后才能重新下单。",
        "This enrolment has a live order: continue with it, or order again once it is closed "
        "or refunded.",
    )


class EnrolmentNotConfirmed(BackofficeError):
    """The student has not confirmed the prefilled data."""

    code = "enrolment_not_confirmed"
    title = Text("请先确认学籍信息", "Confirm your data first")
    detail = Text(
        "请先核对并确认学籍信息，再下单。", "Check and confirm the enrolment data, then order."
    )


class ServiceNotOffered(InvalidInput):
    """The batch does not offer this service."""

    code = "service_not_offered"
    title = Text("服务项目不存在", "Service not offered")

    def __init__(self, field: str = "services") -> None:
        super().__init__(
            field,
            Text("该批次没有所选的服务项目。", "The batch does not offer the chosen service."),
        )


class LayoutNotOffered(InvalidInput):
    """Prints need one of the batch's layouts."""

    code = "layout_not_offered"
    title = Text("请选择版式", "Choose a layout")

    def __init__(self, known: str) -> None:
        super().__init__(
            "layout",
            Text("请选择该批次的版式：{known}。", "Choose a layout of the batch: {known}."),
            known=known,
        )


class DeliveryNotOffered(InvalidInput):
    """The batch does not deliver this way, or the order cannot travel this way."""

    code = "delivery_not_offered"
    title = Text("取件方式不可用", "Delivery method not available")

    def __init__(self, known: str) -> None:
        super().__init__(
            "delivery.method",
            Text("可选的取件方式：{known}。", "Choose one of: {known}."),
            known=known,
        )


class AddressRequired(InvalidInput):
    """A parcel needs an address."""

    code = "address_required"
    title = Text("请选择收货地址", "An address is needed")

    def __init__(self, field: str = "delivery.address_id") -> None:
        super().__init__(
            field,
            Text("快递配送需要选择您的收货地址。", "Courier delivery needs one of your addresses."),
        )


class PhotoNotAccepted(BackofficeError):
    """The order does not take pictures now."""

    code = "photo_not_accepted"
    title = Text("现在不能上传照片", "No photo is expected now")
    detail = Text(
        "订单目前为“{state_zh}”，不能上传照片。",
        "The order is “{state_en}”: it takes no photo now.",
    )


class AttemptsExhausted(BackofficeError):
    """The batch's number of uploads is used up."""

    code = "photo_attempts_exhausted"
    title = Text("上传次数已用完", "No uploads left")
    detail = Text(
        "该订单最多可上传 {limit} 次照片，次数已用完，请联系学校或客服。",
        "At most {limit} uploads per order; they are used up. Please contact support.",
    )


class AlbumNotAllowed(InvalidInput):
    """The batch wants pictures straight from the camera."""

    code = "album_not_allowed"
    title = Text("不允许使用相册照片", "Album pictures are not accepted")

    def __init__(self) -> None:
        super().__init__(
            "source",
            Text(
                "该批次不允许上传相册照片，请使用相机现场拍摄。",
                "This batch takes camera pictures only; please take one now.",
            ),
        )


class UnsupportedImageType(BackofficeError):
    """By content, the file is none of the four formats."""

    code = "unsupported_image_type"
    title = Text("不支持的图片格式", "Unsupported picture format")
    detail = Text(
        "请上传 JPEG、PNG、WebP 或 HEIC 格式的照片。", "Upload a JPEG, PNG, WebP or HEIC photo."
    )


class ImageTooLarge(BackofficeError):
    """The file or its picture is larger than we take."""

    code = "image_too_large"
    title = Text("照片过大", "The picture is too large")
    detail = Text(
        "照片不能超过 {megabytes} MB 和 4000 万像素，请用手机相机的普通模式拍摄。",
        "At most {megabytes} MB and 40 megapixels; use the normal mode of the phone's camera.",
    )


class ImageUnreadable(BackofficeError):
    """Empty, cut off or damaged."""

    code = "image_unreadable"
    title = Text("照片无法读取", "The picture cannot be read")
    detail = Text(
        "照片为空、不完整或已损坏，请重新上传原始照片。",
        "The file is empty, incomplete or damaged; upload the original again.",
    )


class PhotoAlreadyRejected(BackofficeError):
    """The very file that was rejected comes again (DOMAIN section 6)."""

    code = "photo_already_rejected"
    title = Text("该照片已被驳回", "This photo was rejected before")
    detail = Text(
        "这张照片已被审核驳回，请按驳回原因重新拍摄后上传。",
        "This very photo was rejected; take a new one as the reasons advise.",
    )


class PhotoNotFinished(BackofficeError):
    """There is no approved picture yet."""

    code = "photo_not_finished"
    title = Text("成品照片尚未就绪", "No finished picture yet")
    detail = Text("照片审核通过后才能下载。", "The picture can be fetched once it is approved.")


class EmailMissing(InvalidInput):
    """No address to send to."""

    code = "email_missing"
    title = Text("请填写邮箱", "An e-mail address is needed")

    def __init__(self) -> None:
        super().__init__(
            "email",
            Text("请填写接收照片的电子邮箱。", "Enter the e-mail address to send the picture to."),
        )


class ReprintNotPossible(BackofficeError):
    """Extra prints need an approved picture."""

    code = "reprint_not_possible"
    title = Text("暂不能加洗", "Reprints are not possible yet")
    detail = Text(
        "照片审核通过后才能加洗。", "Extra prints can be ordered once the photo is approved."
    )


class UploadNotFound(NotFound):
    """No such upload of this student, or its time is over."""

    code = "upload_not_found"
    title = Text("没有找到该上传", "Upload not found")
    detail = Text(
        "没有找到该上传或已过期，请重新上传。", "No such upload, or it has expired; begin again."
    )


class UploadOffsetWrong(BackofficeError):
    """The part does not begin where the last one ended."""

    code = "upload_offset_wrong"
    title = Text("上传位置不符", "Wrong upload offset")
    detail = Text(
        "请从第 {offset} 字节继续上传。", "Go on at byte {offset}; GET the upload tells where."
    )


class UploadPartInvalid(BackofficeError):
    """The part is empty, too small or goes beyond the announced end."""

    code = "upload_part_invalid"
    title = Text("上传分块大小不符", "Unsuitable part")
    detail = Text(
        "分块不能为空或超出文件末尾，除最后一块外至少 {least} KB。",
        "A part must not be empty or go beyond the end; all but the last have at least {least} KB.",
    )


class UploadIncomplete(BackofficeError):
    """Parts are missing."""

    code = "upload_incomplete"
    title = Text("上传未完成", "The upload is not complete")
    detail = Text(
        "文件尚未传完，请从第 {offset} 字节继续上传。", "Parts are missing; go on at byte {offset}."
    )


class UploadChecksumWrong(BackofficeError):
    """The parts together are not the file that was announced."""

    code = "upload_checksum_wrong"
    title = Text("文件校验不一致", "Wrong checksum")
    detail = Text(
        "文件内容与校验值不一致，请重新上传。", "The parts are not the announced file; begin again."
    )


class UploadDone(BackofficeError):
    """The picture was taken already."""

    code = "upload_done"
    title = Text("上传已完成", "The upload is complete")
    detail = Text(
        "该上传已完成，无需继续。", "This upload is complete already; nothing more to send."
    )
