"""The matte on a real portrait, and the pieces it is made of."""

from __future__ import annotations

import io

import cv2
import numpy as np
import onnxruntime
import pytest
from PIL import Image

from backoffice.photos import matting, matting_edges
from backoffice.photos.models import model_path
from backoffice.photos.onnx_shape import reshaped
from backoffice.photos.pipeline import process
from backoffice.photos.standards import BUILTIN
from tests.photos.conftest import encoded


@pytest.mark.parametrize("output", [0, 2])
def test_a_reshaped_model_computes_the_same(photo_models, output):
    """Declared with its own size again, the rewritten model gives the original's numbers."""
    path = model_path(photo_models, "u2netp")
    picture = np.random.default_rng(0).random((1, 3, 320, 320), np.float32)
    whole, rewritten = (
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        for model in (str(path), reshaped(path.read_bytes(), (1, 3, 320, 320), output))
    )
    names = [value.name for value in whole.get_outputs()]
    assert [value.name for value in rewritten.get_outputs()] == [names[output]]
    answers = [
        session.run([names[output]], {session.get_inputs()[0].name: picture})[0]
        for session in (whole, rewritten)
    ]
    assert np.abs(answers[0] - answers[1]).max() < 1e-5


@pytest.mark.parametrize("junk", [b"\xff" * 20, b"\x3a\x7f", b"\x0b\x0c"])
def test_no_model_is_an_error(junk: bytes):
    with pytest.raises(ValueError, match="protobuf"):
        reshaped(junk, (1, 3, 8, 8))


def test_the_closed_form_solves_the_system():
    rng = np.random.default_rng(1)
    root = rng.random((5, 4, 3, 3)).astype(np.float32)
    matrix = root @ root.transpose(0, 1, 3, 2)
    right = rng.random((5, 4, 3)).astype(np.float32)
    upper = np.stack([matrix[..., i, j].ravel() for i in range(3) for j in range(i, 3)])
    solved = matting_edges._solve_symmetric(upper, right.reshape(-1, 3).T, 0.1)
    expected = np.linalg.solve(matrix + 0.1 * np.eye(3), right[..., None])[..., 0]
    assert np.abs(solved.T - expected.reshape(-1, 3)).max() < 1e-3


def test_the_last_layer_as_a_product_gives_the_networks_own_answer(engine, photo_models, astronaut):
    rgb = np.asarray(astronaut.resize((256, 256)))
    net = cv2.dnn.readNetFromTFLite(
        str(model_path(photo_models, "selfie_segmentation")), cv2.dnn.ENGINE_CLASSIC
    )
    net.setInput(cv2.dnn.blobFromImage(rgb, 1 / 255))
    own = net.forward("activation_10").reshape(256, 256)
    assert np.abs(engine.mattes.selfie(rgb) - own).max() < 1e-4


def test_masks_grow_and_shrink_by_about_what_is_asked():
    mask = np.zeros((200, 160), np.uint8)
    mask[60:140, 50:110] = 1
    for radius in (4, 9, 16):
        wider = np.flatnonzero(matting_edges.grown(mask, radius)[100])
        narrower = np.flatnonzero(matting_edges.shrunk(mask, radius)[100])
        assert abs((50 - wider[0]) - radius) <= 2
        assert abs((wider[-1] - 109) - radius) <= 2
        assert abs((narrower[0] - 50) - radius) <= 2
        assert abs((109 - narrower[-1]) - radius) <= 2


@pytest.mark.parametrize("column", [50, 51])
def test_a_strand_one_pixel_wide_is_seen_in_every_column(column: int):
    strand = np.zeros((200, 160), np.uint8)
    strand[40:160, column] = 1
    assert matting_edges.grown(strand, 4)[100, column - 2 : column + 3].all()
    assert not matting_edges.shrunk(1 - strand, 4)[100, column - 2 : column + 3].any()


def test_a_contradicting_second_opinion_is_not_heard():
    selfie = np.zeros((200, 160), np.float32)
    selfie[40:, 30:130] = 1
    nothing = np.zeros_like(selfie)
    assert np.array_equal(matting._fuse(selfie, nothing), selfie)
    finer = selfie.copy()
    finer[40:200, 30:33] = 0
    fused = matting._fuse(selfie, finer)
    assert fused[100, 80] == 1
    assert fused[100, 5] == 0


def test_a_plain_wall_needs_no_second_network(engine, astronaut, monkeypatch):
    """A person cut out onto a smooth wall takes the cheap path and keeps clean edges."""
    first = process(encoded(astronaut), BUILTIN["chsi-degree-white"], engine)
    on_wall = np.asarray(Image.open(io.BytesIO(first.jpeg)).convert("RGB")).astype(int)
    shade = np.linspace(225, 205, on_wall.shape[0])[:, None, None]
    on_wall = (on_wall * shade / 255).astype(np.uint8)
    # Wider walls on both sides and above, as a phone would see it.
    walled = np.pad(on_wall, ((60, 0), (100, 100), (0, 0)), mode="edge")
    monkeypatch.setattr(engine.mattes, "rembg", lambda *_: pytest.fail("not needed"))
    result = process(encoded(walled), BUILTIN["chsi-degree-blue"], engine)
    plain = next(c for c in result.checks if c.code == "background_plain")
    assert plain.passed
    assert plain.value < 5.5


def test_the_person_is_whole_and_alone(finished):
    """No hole in the clothes and no island beside them, in the finished picture itself."""
    rgb = np.asarray(Image.open(io.BytesIO(finished.jpeg)).convert("RGB")).astype(int)
    person = (np.abs(rgb - (100, 197, 255)).max(axis=2) > 40).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(person, connectivity=8)
    sizes = sorted(stats[1:, cv2.CC_STAT_AREA], reverse=True)
    assert sizes[0] > 0.3 * person.size
    assert sum(sizes[1:]) < 0.001 * person.size
    body = 1 - person[300:]
    _, _, holes, _ = cv2.connectedComponentsWithStats(body, connectivity=4)
    inner = [s for s in holes[1:] if s[0] > 0 and s[0] + s[2] < 480 and s[1] > 0]
    assert sum(s[4] for s in inner) < 0.002 * body.size
