"""What a graph of ONNX needs beside PyTorch's exporter: operations that it lacks, small weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.onnx import TensorProtoDataType

from elp.listener.export import OPSET

LEAST = 256  # numbers of a weight that is worth being stored as float16


@contextlib.contextmanager
def spelled_out() -> Iterator[None]:
    """Teaches PyTorch's exporter two operations that it lacks."""
    from torch.onnx import register_custom_op_symbolic, unregister_custom_op_symbolic

    symbols: dict[str, Any] = {"aten::asinh": _asinh, "aten::searchsorted": _searchsorted}
    for name, symbol in symbols.items():
        register_custom_op_symbolic(name, symbol, OPSET)
    try:
        yield
    finally:
        for name in symbols:
            unregister_custom_op_symbolic(name, OPSET)


def _asinh(g: Any, x: Any) -> Any:
    return g.op("Asinh", x)


def _searchsorted(g: Any, edges: Any, x: Any, *options: Any) -> Any:
    """The number of edges below x: rising edges (1, V) and x (1, 1) -> (1, 1) int64."""
    below = g.op("Cast", g.op("Less", edges, x), to_i=TensorProtoDataType.INT64)
    return g.op("ReduceSum", below, keepdims_i=1)


def halve(onnx: Any, graph: Any) -> None:
    """Store large weights as float16 where that changes no number, with a cast behind each."""
    nodes, casts = [], []
    for node in graph.graph.node:  # large constants are weights too
        value = next((x.t for x in node.attribute if x.name == "value"), None)
        if node.op_type == "Constant" and value is not None and np.prod(value.dims) > LEAST:
            graph.graph.initializer.add().CopyFrom(value)
            graph.graph.initializer[-1].name = node.output[0]
        else:
            nodes.append(node)
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size <= LEAST:
            continue
        half, name = values.astype(np.float16), tensor.name
        if np.array_equal(half.astype(np.float32), values):
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
            to = onnx.TensorProto.FLOAT
            casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=to))
    del graph.graph.node[:]
    graph.graph.node.extend(casts + nodes)
    onnx.checker.check_model(graph)
