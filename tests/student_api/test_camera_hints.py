"""The camera screen's hints: the page's own network against OpenCV's, and what is said to whom."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from backoffice.photos.models import load_manifest, page_model
from student_api.web.face_network import NAME
from tests.student_api.page_site import page_app as page_app
from tests.student_api.page_site import phone as phone
from tests.student_api.page_site import site as site

WALL = (205, 205, 200)
PERSON = Image.fromarray(data.astronaut()).crop((70, 0, 400, 512))
CHEEKS, EYES = 94.0, (155, 102)  # her face in PERSON, in pixels


def scene(*eyes, size=(720, 960), face=0.42, tilt=0.0) -> Image.Image:
    """A wall and, at each place of `eyes` (shares of the shown 3:4), the astronaut.

    face: from cheek to cheek, in shares of the shown width; tilt: degrees clockwise.
    """
    frame = Image.new("RGB", size, WALL)
    wide = size[1] * 0.75
    times = face * wide / CHEEKS
    somebody = PERSON.rotate(-tilt, Image.Resampling.BICUBIC, center=EYES, fillcolor=WALL)
    somebody = somebody.resize([round(side * times) for side in PERSON.size])
    for x, y in eyes:
        left = (size[0] - wide) / 2 + x * wide - EYES[0] * times
        frame.paste(somebody, (round(left), round(y * size[1] - EYES[1] * times)))
    return frame


def lit_from_the_left(picture: Image.Image) -> Image.Image:
    light = np.linspace(1.6, 0.1, picture.width)[None, :, None]
    return Image.fromarray(np.clip(np.asarray(picture) * light, 0, 255).astype(np.uint8))


WELL = (0.5, 0.37)
SCENES = {
    "hint_good": scene(WELL),
    "hint_good wide": scene(WELL, size=(1280, 960)),
    "hint_no_face": scene(),
    "hint_centre aside": scene((0.75, 0.37)),
    "hint_centre low": scene((0.5, 0.6)),
    "hint_centre cut": scene((0.5, 0.15)),
    "hint_closer": scene(WELL, face=0.2),
    "hint_farther": scene(WELL, face=0.65),
    "hint_level": scene(WELL, tilt=14),
    "hint_faces": scene((0.2, 0.37), (0.7, 0.37), face=0.32),
    "hint_good in dim light": ImageEnhance.Brightness(scene(WELL)).enhance(0.6),
    "hint_dark": ImageEnhance.Brightness(scene(WELL)).enhance(0.25),
    "hint_bright": ImageEnhance.Brightness(scene(WELL)).enhance(4),
    "hint_side": lit_from_the_left(scene(WELL)),
}

# The picture in the light, with nothing that finds faces at `address`.
BLIND = """async ([address, coded]) => {
  const module = document.querySelector("link[href$='app/hints.js']").href;
  document.body.dataset.faceModel = address;
  const Plain = window.Worker;
  const answers = [];
  window.Worker = class extends Plain {
    constructor(...given) {
      super(...given);
      answers.push(new Promise((done) => this.addEventListener("message", ({ data }) => done(data.ready), { once: true })));
    }
  };
  const { look } = (await import(module)).adviser();
  window.Worker = Plain;
  const started = await Promise.all(answers);
  if (started.some(Boolean)) throw new Error("it took that for a network");
  if (started.length !== (address ? 1 : 0)) throw new Error("workers: " + started.length);
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes]));
  await look(picture, picture.width, picture.height);
  return look(picture, picture.width, picture.height);
}"""
JUDGE = """async (pictures) => {
  const module = document.querySelector("link[href$='app/hints.js']").href;
  const { look } = (await import(module)).adviser();
  const said = {};
  for (const [name, coded] of Object.entries(pictures)) {
    const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes]));
    const again = () => look(picture, picture.width, picture.height);
    await again(); // what was there before has moved
    for (let turn = 0; turn < 500 && (said[name] = await again()) === "hint_frame"; turn++) {
      await new Promise((done) => setTimeout(done, 20)); // the network is on its way
    }
  }
  return said;
}"""
RUN = """async (coded) => {
  const folder = document.querySelector("link[href$='app/hints.js']").href.replace("app/hints.js", "faces/");
  const { readGraph } = await import(folder + "graph.js");
  const { runner } = await import(folder + "layers.js");
  const graph = readGraph(await (await fetch(document.body.dataset.faceModel)).arrayBuffer());
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  graph.tensors[graph.inputs[0]].values.set(Array.from(bytes, (value) => value / 127.5 - 1));
  runner(graph)();
  return graph.outputs.map((index) => Array.from(graph.tensors[index].values));
}"""


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.mark.browser
def test_the_phone_sees_what_opencv_sees_and_says_it(phone, opened, photo_models):
    phone.open(opened().feature_code)
    small = np.asarray(scene(WELL).resize((128, 128)))
    boxes, scores = phone.page.evaluate(RUN, coded(small.tobytes()))
    path, _ = page_model(photo_models, NAME)
    net = cv2.dnn.readNetFromTFLite(str(path), cv2.dnn.ENGINE_CLASSIC)
    net.setInput(
        np.ascontiguousarray((small / 127.5 - 1).astype(np.float32).transpose(2, 0, 1)[None])
    )
    wanted = net.forward(["regressors", "classificators"])
    np.testing.assert_allclose(boxes, wanted[0].ravel(), rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(scores, wanted[1].ravel(), rtol=1e-3, atol=2e-3)
    assert max(scores) > 0  # somebody is there

    said = phone.page.evaluate(JUDGE, {name: coded(jpeg(one)) for name, one in SCENES.items()})
    assert said == {name: name.split()[0] for name in SCENES}

    for address in ("", "/s/models/000000000000/faces.tflite", "/s/assets/0/icon.svg"):
        for hint, wanted in (("hint_good", "hint_frame"), ("hint_dark", "hint_dark")):
            assert phone.page.evaluate(BLIND, [address, coded(jpeg(SCENES[hint]))]) == wanted


def test_the_page_names_the_network_only_where_it_is(settings, database, batch, tmp_path):
    from wsgi import create_app

    without = create_app(replace(settings, models_dir=str(tmp_path))).test_client()
    page = without.get(f"/s/{batch.feature_code}")
    assert page.status_code == 200
    assert "data-face-model" not in page.get_data(as_text=True)
    assert without.get(address_of(load_manifest("page")[NAME])).status_code == 404


def test_the_network_is_kept_for_good_by_the_address_of_its_content(api, batch, photo_models):
    entry = load_manifest("page")[NAME]
    address = address_of(entry)
    assert address in api.get(f"/s/{batch.feature_code}").get_data(as_text=True)
    answer = api.get(address)
    assert hashlib.sha256(answer.data).hexdigest() == entry.sha256
    assert "immutable" in answer.headers["Cache-Control"]
    assert api.get("/s/models/000000000000/faces.tflite").status_code == 404


def address_of(entry) -> str:
    return f"/s/models/{entry.sha256[:12]}/faces.tflite"
