"""What the photo package refuses, each with a stable code and advice in both languages.

`PhotoRefused` and its children become a failed check of the report (`pipeline.process` turns them
into one); the others are faults of the installation.
"""

from __future__ import annotations

from typing import ClassVar

from backoffice.errors import BackofficeError
from backoffice.i18n import Text


class PhotoRefused(BackofficeError):
    """The picture cannot be worked with. `rejection_code`: DOMAIN section 8."""

    code = "photo_refused"
    title = Text("照片不能使用", "This photo cannot be used")
    rejection_code: ClassVar[str] = "Q01"


class NotAnImage(PhotoRefused):
    """Neither JPEG, PNG, WebP nor HEIC by content."""

    code = "not_an_image"
    detail = Text(
        "文件不是可识别的照片，请上传 JPEG、PNG、WebP 或 HEIC 格式的原始照片。",
        "The file is not a photo we can read; upload the original JPEG, PNG, WebP or HEIC.",
    )


class ImageTruncated(PhotoRefused):
    """The file ends early or its data is damaged."""

    code = "image_truncated"
    detail = Text(
        "照片文件不完整或已损坏，请重新上传原始照片。",
        "The photo file is incomplete or damaged; upload the original again.",
    )


class ImageTooLarge(PhotoRefused):
    """More pixels than the decoder is allowed to touch."""

    code = "image_too_large"
    detail = Text(
        "照片像素过多（{megapixels} 百万像素，上限 {limit}），请用手机相机的普通模式拍摄。",
        "The photo has too many pixels ({megapixels} MP, limit {limit}); use the normal camera mode.",
    )


class ImageTooSmall(PhotoRefused):
    """Fewer pixels than a portrait needs."""

    code = "image_too_small"
    detail = Text(
        "照片像素过低（{width}×{height}），请用手机后置摄像头重新拍摄，不要上传缩略图或截图。",
        "The photo is too small ({width}x{height}); take it again with the rear camera,"
        " no thumbnail or screenshot.",
    )


class ImagePanorama(PhotoRefused):
    """A shape no portrait can be cut from: a panorama, a long screenshot, a strip."""

    code = "image_panorama"
    rejection_code = "Q02"
    detail = Text(
        "照片过于狭长（如全景照片或长截图），裁不出证件照，请用手机相机的普通模式竖着拍摄一张人像。",
        "The photo is a long strip, such as a panorama or a long screenshot, and holds no portrait;"
        " take one upright in the camera's normal mode.",
    )


class ImageBomb(PhotoRefused):
    """A small file that unpacks to an unreasonable amount of data."""

    code = "image_bomb"
    detail = Text(
        "照片文件结构异常，已拒绝处理，请上传手机直接拍摄的原始照片。",
        "The file unpacks to an unreasonable size and was refused; upload the camera's original.",
    )


class ImageAnimated(PhotoRefused):
    """An animation (APNG, animated WebP, HEIC sequence)."""

    code = "image_animated"
    detail = Text(
        "不支持动图，请上传一张静态照片。", "Animations are not accepted; upload one still photo."
    )


class ImagePolyglot(PhotoRefused):
    """A picture that is also another kind of file (archive, page, script, PDF)."""

    code = "image_polyglot"
    detail = Text(
        "照片文件中夹带其他内容，已拒绝处理，请上传手机直接拍摄的原始照片。",
        "The file carries something besides the photo and was refused; upload the camera's original.",
    )


class ModelMissing(BackofficeError):
    """A model file is not where it should be."""

    code = "model_missing"
    title = Text("缺少模型文件", "Model file missing")
    detail = Text(
        "缺少模型文件 {name}，请先运行 make models 下载并校验模型。",
        "The model file {name} is missing; run `make models` to fetch and verify the models.",
    )


class ModelHashMismatch(BackofficeError):
    """A file does not have the SHA-256 its manifest entry pins."""

    code = "model_hash_mismatch"
    title = Text("模型文件校验失败", "Model file does not match")
    detail = Text(
        "文件 {name} 的 SHA-256 与清单不符，已拒绝使用，请删除后重新运行 make models。",
        "The file {name} does not have the SHA-256 of the manifest and was refused;"
        " delete it and run `make models` again.",
    )


class FetchFailed(BackofficeError):
    """A download did not come through."""

    code = "model_fetch_failed"
    title = Text("下载失败", "Download failed")
    detail = Text(
        "无法下载 {name}：{why}。请检查网络或 pip 的索引设置后重试。",
        "{name} could not be downloaded: {why}. Check the network or pip's index settings and retry.",
    )
