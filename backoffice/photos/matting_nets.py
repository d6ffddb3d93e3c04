"""The warm segmentation networks: MediaPipe's selfie model, and any rembg model by name.

`u2netp`, the default, is run by ONNX Runtime directly; another rembg model brings rembg itself,
imported only then: the import alone costs 161 MB a worker (FEASIBILITY section 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.models import model_path
from backoffice.photos.onnx_shape import reshaped

# The selfie network's last transposed convolution, and the features it is fed.
_SELFIE_LAST, _SELFIE_FEATURES = "segment", "add_13__xeno_compat__1"
# u2netp's input, width and height, and the side output that is used: the second, at half the size.
_U2NETP_SIZE, _U2NETP_OUTPUT = (192, 256), 2
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


class MattingNets:
    """The warm segmentation networks; the rembg model is loaded at its first use."""

    def __init__(self, models_dir: Path, model: str = "u2netp") -> None:
        self._models_dir = models_dir
        self.model = model
        self._selfie = cv2.dnn.readNetFromTFLite(
            str(model_path(models_dir, "selfie_segmentation")), cv2.dnn.ENGINE_CLASSIC
        )
        last = self._selfie.getLayerId(_SELFIE_LAST)
        self._selfie_weights = self._selfie.getParam(last, 0).reshape(-1, 4).T
        self._selfie_bias = float(self._selfie.getParam(last, 1).ravel()[0])
        model_path(models_dir, model)  # absent: say so now, not at the first cluttered photo
        self._session: Any = None

    def selfie(self, rgb: RGB) -> Floats:
        """Return the selfie matte of a picture, same height and width.

        The last layer, a transposed convolution that makes four pixels of one, is a product of two
        matrices; OpenCV spends more time on it than on the rest of the network.
        """
        small = cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA)
        self._selfie.setInput(cv2.dnn.blobFromImage(small, 1 / 255))
        features = self._selfie.forward(_SELFIE_FEATURES)[0]
        parts = self._selfie_weights @ features.reshape(features.shape[0], -1)
        rows, columns = features.shape[1:]
        logits = parts.reshape(2, 2, rows, columns).transpose(2, 0, 3, 1).reshape(256, 256)
        return _resize(0.5 + 0.5 * np.tanh(0.5 * (logits + self._selfie_bias)), rgb)

    def rembg(self, rgb: RGB) -> Floats:
        """Return the matte of the rembg model, same height and width."""
        if self._session is None:
            self._session = self._load()
        if self.model != "u2netp":
            mask = self._session.predict(Image.fromarray(rgb))[0]
            return _resize(np.asarray(mask, dtype=np.float32) / 255, rgb)
        small = cv2.resize(rgb, _U2NETP_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (small / max(float(small.max()), 1e-6) - _MEAN) / _STD
        name = self._session.get_inputs()[0].name
        first = self._session.get_outputs()[0].name
        (raw,) = self._session.run([first], {name: scaled.transpose(2, 0, 1)[None]})
        alpha = raw[0, 0]
        return _resize((alpha - alpha.min()) / max(float(np.ptp(alpha)), 1e-6), rgb)

    def _load(self) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # a quarter less memory at no cost
        path = model_path(self._models_dir, self.model)
        if self.model == "u2netp":
            shape = (1, 3, *_U2NETP_SIZE[::-1])
            model = reshaped(path.read_bytes(), shape, _U2NETP_OUTPUT)
            return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return _rembg_session(self.model, path, options)


def _rembg_session(name: str, path: Path, options: Any) -> Any:
    """Return rembg's session class `name` on a local file; it never downloads."""
    from rembg.sessions import sessions_class

    for base in sessions_class:
        if base.name() == name:
            local = type(
                f"Local{base.__name__}",
                (base,),
                {"download_models": classmethod(lambda cls, *args, **kwargs: str(path))},
            )
            return local(name, options, providers=["CPUExecutionProvider"])
    raise ValueError(f"rembg has no model named {name!r}")


def _resize(alpha: Floats, like: RGB) -> Floats:
    size = (like.shape[1], like.shape[0])
    return np.clip(cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)
