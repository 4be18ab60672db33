"""The peer: airbench94's network in plain PyTorch, as a measure that comes along with the machine.

PyTorch is an optional extra: ``pip install -e ".[bench]"``. TensorFlow must not be loaded in the
same process, both bring an LLVM of their own: so this file imports nothing of the package, is run
by its path, ``python -P peer.py``, and prints one line of JSON.
"""

import importlib
import json
import os
import statistics
import time
from functools import partial
from typing import Any

#: Images of an epoch: all of CIFAR-10's training images.
EPOCH = 50_000

_WIDTHS, _BATCH_SIZE = (64, 256, 256), 1_024  # filters of each group, images a step
_STEPS, _WARM_UP = 12, 2
#: Images of the steps that decide which precision is faster: bf16 can be fifty times as slow.
_TRIAL = 64


def seconds_an_epoch() -> tuple[float, str]:
    """Measure how long an epoch takes in PyTorch, in bf16 or in float32, whichever is faster.

    channels_last; bf16 by autocast; Nesterov SGD; random images that lie in memory, so no time goes
    into loading. The median of 12 steps stands for all steps of an epoch of 50,000 images.
    Network: Jordan, 2024, https://arxiv.org/abs/2404.00498. Raises ModuleNotFoundError without
    PyTorch.
    """
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    body, head = _build(torch)
    body.to(memory_format=torch.channels_last)
    trained = [each for each in (*body.parameters(), *head.parameters()) if each.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.85, nesterov=True)
    every = torch.randn(_BATCH_SIZE, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (_BATCH_SIZE,))

    def step(precision: str, size: int) -> float:
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            pooled = torch.nn.functional.adaptive_max_pool2d(body(every[:size]), 1)
            logits = head(pooled.flatten(1)).float() / _WIDTHS[-1]
            loss = torch.nn.functional.cross_entropy(logits, labels[:size], label_smoothing=0.2)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return time.perf_counter() - start

    faster = min(("fp32", "bf16"), key=lambda each: min(step(each, _TRIAL) for _ in range(3)))
    steps = [step(faster, _BATCH_SIZE) for _ in range(_WARM_UP + _STEPS)]
    return statistics.median(steps[_WARM_UP:]) * EPOCH / _BATCH_SIZE, faster


def _build(torch: Any) -> tuple[Any, Any]:
    """Return the convolutions, and the last layer behind the pooling."""
    nn, convolution = torch.nn, partial(torch.nn.Conv2d, padding="same", bias=False)
    modules = [nn.Conv2d(3, 24, 2).requires_grad_(False), nn.GELU()]
    into = 24
    for filters in _WIDTHS:
        modules += [convolution(into, filters, 3), nn.MaxPool2d(2), nn.BatchNorm2d(filters)]
        modules += [nn.GELU(), convolution(filters, filters, 3), nn.BatchNorm2d(filters), nn.GELU()]
        into = filters
    return nn.Sequential(*modules), nn.Linear(into, 10, bias=False)


def _main() -> None:
    seconds, precision = seconds_an_epoch()
    version = importlib.import_module("torch").__version__
    device = f"CPU, {os.cpu_count()} cores · PyTorch {version} · {precision}"
    print(json.dumps({"seconds": seconds, "device": device}))


if __name__ == "__main__":
    _main()
