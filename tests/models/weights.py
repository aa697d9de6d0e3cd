"""A language model of random weights in a GGUF file: a llama of two layers with one token per byte, half a megabyte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 64, 2, 4, 128, 2048
UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
UNKNOWN, CONTROL, BYTE = 2, 3, 6
ALIGNMENT = 32
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: "
TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
KINDS = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256]


def write(path: Path) -> None:
    """Write the model; its weights are the same every time."""
    tensors = _tensors(np.random.default_rng(0))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(_settings())) + b"".join(_settings())
    infos, offset = b"", 0
    for name, values in tensors.items():
        shape = values.shape[::-1]
        infos += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        offset += -(-values.nbytes // ALIGNMENT) * ALIGNMENT
    data = b"".join(_padded(values.tobytes()) for values in tensors.values())
    path.write_bytes(_padded(head + infos) + data)


def _tensors(rng):
    def weights(rows, columns, scale=0.2):
        return rng.normal(0, scale, (rows, columns)).astype(np.float32)

    ones = np.ones(WIDTH, np.float32)
    tensors = {"token_embd.weight": weights(len(TOKENS), WIDTH, 1.0)}
    for layer in range(LAYERS):
        tensors[f"blk.{layer}.attn_norm.weight"] = ones
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"blk.{layer}.{part}.weight"] = weights(WIDTH, WIDTH)
        tensors[f"blk.{layer}.ffn_norm.weight"] = ones
        tensors[f"blk.{layer}.ffn_gate.weight"] = weights(HIDDEN, WIDTH)
        tensors[f"blk.{layer}.ffn_up.weight"] = weights(HIDDEN, WIDTH)
        tensors[f"blk.{layer}.ffn_down.weight"] = weights(WIDTH, HIDDEN)
    return tensors | {"output_norm.weight": ones, "output.weight": weights(len(TOKENS), WIDTH)}


def _settings():
    numbers = {
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": HEADS,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    texts = {"general.architecture": "llama", "tokenizer.ggml.model": "llama", "tokenizer.chat_template": TEMPLATE}
    count = len(TOKENS)
    return [
        *(_text(name) + struct.pack("<I", STRING) + _text(text) for name, text in texts.items()),
        *(_text(name) + struct.pack("<II", UINT32, number) for name, number in numbers.items()),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", FLOAT32, 1e-5),
        _array("tokenizer.ggml.tokens", STRING, b"".join(map(_text, TOKENS))),
        _array("tokenizer.ggml.scores", FLOAT32, struct.pack(f"<{count}f", *[0.0] * count)),
        _array("tokenizer.ggml.token_type", INT32, struct.pack(f"<{count}i", *KINDS)),
    ]


def _array(name, kind, data):
    return _text(name) + struct.pack("<IIQ", ARRAY, kind, len(TOKENS)) + data


def _text(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _padded(data):
    return data + b"\0" * (-len(data) % ALIGNMENT)
