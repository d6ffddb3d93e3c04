"""ID cards against rapidocr as it comes; QR codes against OpenCV's reader. CPU time, one thread.

The pictures are made here: made-up people on drawn cards (thirteen conditions), drawn codes
(nineteen distortions, two module sizes). Real cards and phones differ: trust the ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from backoffice.settings import Settings
from bench.memory import peak_kib
from bench.table import Row

CARD_PEOPLE = 3
CARDS_OF_REFERENCE = 13  # it takes several seconds a picture
MODULE_PIXELS = (5, 8)
CODES = 4


@dataclass(frozen=True)
class Reading:
    """What a reader made of a set of pictures; `seconds`: CPU per picture."""

    pictures: int
    right: int
    wrong: int
    names: int
    seconds: list[float]
    peak_mb: float

    @property
    def mean(self) -> float:
        return statistics.mean(self.seconds)


def run(settings: Settings) -> list[Row]:
    """Return the rows of documents and codes."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = _card_files(Path(folder))
        ours = _alone(read_cards, pictures)
        plain = _alone(read_cards_by_default, pictures[:CARDS_OF_REFERENCE])
    codes, reference = _alone(read_codes, settings), _alone(read_codes_by_cv2, settings)
    cards = f"{ours.right}/{ours.pictures} numbers ({plain.right}/{plain.pictures}), {ours.names} names, "
    return [
        Row(
            "ID card, CPU", ours.mean / plain.mean, 0.20, "lower", "rapidocr with its defaults",
            f"{ours.mean:.2f} s against {plain.mean:.2f} s a 12 MP JPEG",
        ),
        Row(
            "ID card, peak memory", ours.peak_mb / plain.peak_mb, 0.35, "lower",
            "rapidocr with its defaults", f"{ours.peak_mb:.0f} MB against {plain.peak_mb:.0f} MB",
        ),
        Row(
            "ID card, numbers read", ours.right / ours.pictures, 1.0, "higher",
            "13 conditions, made-up cards", cards + f"{ours.wrong} wrong but valid",
        ),
        Row(
            "QR, CPU", codes.mean / reference.mean, 0.10, "lower", "cv2.QRCodeDetector",
            f"{1000 * codes.mean:.1f} ms against {1000 * reference.mean:.1f} ms a picture",
        ),
        Row(
            "QR, codes read", codes.right / codes.pictures, 0.90, "higher",
            "19 distortions, drawn codes",
            f"{codes.right}/{codes.pictures} ({reference.right}/{reference.pictures} by cv2), "
            f"{codes.wrong} wrong",
        ),
    ]  # fmt: skip


def _alone(work, argument) -> Reading:
    """Run in a process of its own, so that the peak of memory is its own; one thread."""
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, argument).result()


def _card_files(folder: Path) -> list[tuple[str, str, Path]]:
    """Return number, name and a JPEG of 12 megapixels for every person in every condition."""
    from tests.identity.id_cards import CONDITIONS, PEOPLE, draw_card, jpeg

    files = []
    for person in PEOPLE[:CARD_PEOPLE]:
        card = draw_card(person)
        for treat in CONDITIONS.values():
            picture = Image.fromarray(treat(card))
            scale = 4000 / max(picture.size)
            large = picture.resize([round(n * scale) for n in picture.size])
            path = folder / f"{len(files)}.jpg"
            path.write_bytes(jpeg(np.asarray(large)))
            files.append((person.number, person.name, path))
    return files


def read_cards(files) -> Reading:
    """Read every file as the worker does."""
    from backoffice.identity.id_card import IdCardReader
    from backoffice.identity.id_card_errors import IdCardUnreadable
    from backoffice.identity.id_card_text import READING_SIDE
    from backoffice.photos.reading import decode

    reader = IdCardReader()
    right = wrong = names = 0
    seconds = []
    for number, name, path in files:
        data = path.read_bytes()
        began = time.process_time()
        try:
            card = reader.read(decode(data, want_side=READING_SIDE).rgb)
        except IdCardUnreadable:
            card = None
        seconds.append(time.process_time() - began)
        if card is not None:
            right += card.id_number == number and card.valid_checksum
            wrong += card.id_number != number and card.valid_checksum
            names += card.name == name
    # the first picture also loads the models
    return Reading(len(seconds), right, wrong, names, seconds[1:], peak_kib() / 1024)


def read_cards_by_default(files) -> Reading:
    """Read every file by rapidocr with its default sizes; right: a line ends with the number."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={
        "Global.log_level": "critical",
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    })  # fmt: skip
    right = 0
    seconds = []
    for number, _, path in files:
        data = path.read_bytes()
        began = time.process_time()
        texts = engine(data).txts or ()
        seconds.append(time.process_time() - began)
        right += any(text.replace(" ", "").endswith(number) for text in texts)
    return Reading(len(seconds), right, 0, 0, seconds[1:], peak_kib() / 1024)


def _codes(settings: Settings):
    from backoffice.capture_codes.demo import DemoCaptureCodes
    from backoffice.capture_codes.payload import CaptureCodePayload
    from backoffice.capture_codes.reading import draw_qr
    from tests.capture_codes.distortions import DISTORTIONS, grey

    issuer = DemoCaptureCodes.from_settings(settings)
    texts = ["https://photo.example.edu.cn/s/Z3K8F7"]
    for number in range(1, CODES):
        payload = CaptureCodePayload(
            f"GPC-{number:09d}", "吴*兰", "310***********6629", "6629", "10001",
            "示例大学" * number, "本科", "计算机科学与技术", datetime(2099, 7, 1, tzinfo=UTC),
        )  # fmt: skip
        texts.append(issuer.issue(payload))
    for text in texts:
        for pixels in MODULE_PIXELS:
            code = grey(draw_qr(text, module_pixels=pixels))
            for distort in DISTORTIONS.values():
                yield text, distort(code)


def read_codes(settings: Settings) -> Reading:
    """Read every code by our reader."""
    from backoffice.capture_codes.errors import CaptureCodeError
    from backoffice.capture_codes.reading import address_text, code_text, is_address

    def read(text: str, picture) -> str | None:
        try:
            return address_text(picture) if is_address(text) else code_text(picture)
        except CaptureCodeError:
            return None

    return _timed(settings, Image.fromarray, read)


def read_codes_by_cv2(settings: Settings) -> Reading:
    """Read every code by OpenCV's detector."""
    import cv2

    cv2.setNumThreads(1)
    detector = cv2.QRCodeDetector()
    return _timed(settings, lambda grey: grey, lambda _, grey: detector.detectAndDecode(grey)[0])


def _timed(settings: Settings, prepare, read) -> Reading:
    right = wrong = 0
    seconds = []
    for text, grey in _codes(settings):
        picture = prepare(grey)
        began = time.process_time()
        found = read(text, picture)
        seconds.append(time.process_time() - began)
        right += found == text
        wrong += found not in ("", None, text)
    return Reading(len(seconds), right, wrong, 0, seconds, peak_kib() / 1024)
