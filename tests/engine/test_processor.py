"""The processor in words, from what Linux says of made-up ones, and without Linux."""

import platform

import pytest

from cplib.engine import provenance as module

MILAN = """processor\t: 0
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC 7763
flags\t\t: fpu sse4_1 avx avx2

processor\t: 1
model name\t: another
"""
GRAVITON = "processor\t: 0\nCPU part\t: 0xd40\nFeatures\t: fp asimd\n"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A function that lets /proc/cpuinfo be `text`, and the environment hold `cap`."""

    def tell(text, cap=None):
        monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
        if text is not None:
            module.CPUINFO.write_text(text)
        for name in module.CAPS:
            monkeypatch.delenv(name, raising=False)
        if cap:
            monkeypatch.setenv(module.CAPS[0], cap)
        for function in (module.processor, module._cpuinfo):
            function.cache_clear()
        return module.processor(), module._onednn()

    yield tell
    monkeypatch.undo()
    for function in (module.processor, module._cpuinfo):
        function.cache_clear()


@pytest.mark.parametrize(
    ("text", "cap", "name", "onednn"),
    [
        (MILAN, None, "AMD EPYC 7763, family 25, model 1", "AVX2"),
        (MILAN, "avx", "AMD EPYC 7763, family 25, model 1", "AVX"),
        (MILAN, "AVX512_CORE", "AMD EPYC 7763, family 25, model 1", "AVX2"),
        (MILAN, "nonsense", "AMD EPYC 7763, family 25, model 1", "AVX2"),
        (GRAVITON, None, "arm, CPU part 0xd40", "unlimited"),
        (None, None, "arm", "unlimited"),
        (None, "SSE41", "arm", "at most SSE41"),
    ],
)
def test_processors_are_named(told, monkeypatch, text, cap, name, onednn):
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm")
    assert told(text, cap) == (name, onednn)


def test_this_processor_has_a_name():
    assert module.processor()
    assert module.instructions().startswith("PyTorch ")
