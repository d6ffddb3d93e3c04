"""Give an ONNX model another input size, without the `onnx` package.

u2netp is published for 320x320; on a portrait frame 208x160 costs a third and mattes no worse beside
the selfie network. Only the declared shapes are rewritten, in memory; the verified file stays as it
is.

Wire format: protobuf encoding; field numbers from onnx.proto (ModelProto.graph 7, GraphProto.input
11, output 12, value_info 13, ValueInfoProto.name 1, type 2, TypeProto.tensor_type 1,
Tensor.elem_type 1, shape 2, TensorShapeProto.dim 1, Dimension.dim_value 1).
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAPH, _INPUT, _OUTPUT, _VALUE_INFO = 7, 11, 12, 13
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT = 1


def with_input_shape(model: bytes, shape: tuple[int, ...]) -> bytes:
    """Return the model with its single input declared as `shape` and only its first output kept.

    Raises ValueError if the bytes are no ONNX model.
    """
    parts: list[bytes] = []
    for number, kind, raw, body in _fields(model):
        if number == _GRAPH and kind == _BYTES:
            parts.append(_message(_GRAPH, _graph(body, shape)))
        else:
            parts.append(raw)
    return b"".join(parts)


def _graph(graph: bytes, shape: tuple[int, ...]) -> bytes:
    parts: list[bytes] = []
    outputs = 0
    for number, _, raw, body in _fields(graph):
        if number == _INPUT:
            parts.append(_message(_INPUT, _value_info(_name(body), shape)))
        elif number == _OUTPUT:
            if outputs == 0:
                parts.append(_message(_OUTPUT, _value_info(_name(body), None)))
            outputs += 1
        elif number != _VALUE_INFO:
            parts.append(raw)
    return b"".join(parts)


def _value_info(name: bytes, shape: tuple[int, ...] | None) -> bytes:
    tensor = _varint(1 << 3 | _VARINT) + _varint(_FLOAT)
    if shape is not None:
        dims = [_varint(1 << 3 | _VARINT) + _varint(size) for size in shape]
        tensor += _message(2, b"".join(_message(1, dim) for dim in dims))
    return _message(1, name) + _message(2, _message(1, tensor))


def _name(value_info: bytes) -> bytes:
    return next(body for number, _, _, body in _fields(value_info) if number == 1)


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield number, wire type, the raw field, and its content of every field."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, end = _read_varint(data, at)
        elif kind == _BYTES:
            size, at = _read_varint(data, at)
            end = at + size
        elif kind in (_FIXED32, _FIXED64):
            end = at + (4 if kind == _FIXED32 else 8)
        else:
            raise ValueError("not a protobuf message")
        if end > len(data):
            raise ValueError("a protobuf field ends early")
        yield number, kind, data[start:end], data[at:end]
        at = end


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("not a protobuf message")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(body)) + body
