"""Give an ONNX model another input size and one of its outputs only, without the `onnx` package.

u2netp is published for 320x320; on a portrait frame 256x192 costs half and mattes better
(FEASIBILITY section 2: 259 against 546 ms, mean error 14.5 against 16.9). Its second side output,
at half that size, costs less than half again and is as good beside the selfie network. Only declared
shapes are rewritten and nodes left out, in memory; the verified file stays as it is.

Wire format: protobuf encoding; field numbers from onnx.proto (ModelProto.graph 7, GraphProto.node 1,
initializer 5, input 11, output 12, value_info 13, NodeProto.input 1, output 2, TensorProto.name 8,
ValueInfoProto.name 1, type 2, TypeProto.tensor_type 1, Tensor.elem_type 1, shape 2,
TensorShapeProto.dim 1, Dimension.dim_value 1).
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAPH, _NODE, _INITIALISER, _INPUT, _OUTPUT, _VALUE_INFO = 7, 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _TENSOR_NAME = 1, 2, 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT = 1


def reshaped(model: bytes, shape: tuple[int, ...], output: int = 0) -> bytes:
    """Return the model with its single input declared as `shape` and only one output, by its place.

    Nodes and weights that only the other outputs need are left out. Raises ValueError if the bytes are no ONNX
    model.
    """
    parts: list[bytes] = []
    for number, kind, raw, body in _fields(model):
        if number == _GRAPH and kind == _BYTES:
            parts.append(_message(_GRAPH, _graph(body, shape, output)))
        else:
            parts.append(raw)
    return b"".join(parts)


def _graph(graph: bytes, shape: tuple[int, ...], output: int) -> bytes:
    wanted = _all(graph, _OUTPUT)[output]
    nodes, names = _needed(_all(graph, _NODE), _first(wanted))
    parts = [_message(_NODE, node) for node in nodes]
    for number, _, raw, body in _fields(graph):
        if number == _INPUT:
            parts.append(_message(_INPUT, _value_info(_first(body), shape)))
        elif number == _INITIALISER:
            parts += [raw] if _all(body, _TENSOR_NAME)[0] in names else []
        elif number not in (_NODE, _OUTPUT, _VALUE_INFO):
            parts.append(raw)
    parts.append(_message(_OUTPUT, _value_info(_first(wanted), None)))
    return b"".join(parts)


def _needed(nodes: list[bytes], wanted: bytes) -> tuple[list[bytes], set[bytes]]:
    """Return the nodes, in their order, and the values' names that `wanted` is computed from."""
    names, kept = {wanted}, []
    for node in reversed(nodes):  # ONNX orders nodes after what they need
        if names.intersection(_all(node, _NODE_OUTPUT)):
            names.update(_all(node, _NODE_INPUT))
            kept.append(node)
    return kept[::-1], names


def _all(message: bytes, wanted: int) -> list[bytes]:
    return [body for number, _, _, body in _fields(message) if number == wanted]


def _first(message: bytes) -> bytes:
    """Return the message's first field: a value's name."""
    return _all(message, 1)[0]


def _value_info(name: bytes, shape: tuple[int, ...] | None) -> bytes:
    tensor = _varint(1 << 3 | _VARINT) + _varint(_FLOAT)
    if shape is not None:
        dims = [_varint(1 << 3 | _VARINT) + _varint(size) for size in shape]
        tensor += _message(2, b"".join(_message(1, dim) for dim in dims))
    return _message(1, name) + _message(2, _message(1, tensor))


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
