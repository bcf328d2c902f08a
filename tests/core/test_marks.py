"""The layout of the kernel's mark."""

import struct

from agent.core import marks
from agent.core.model import BadInput

OTHERS = 0x00FF3F00  # pbr, tailscale, mwan3


def refused(call, *arguments):
    try:
        call(*arguments)
    except BadInput:
        return True
    return False


def test_every_slot_and_generation_comes_back():
    for slot in range(1, 256):
        for generation in range(64):
            assert marks.unpack(marks.pack(slot, generation)) == (slot, generation)


def test_a_generation_wraps():
    assert marks.pack(3, 64 * 7 + 5) == marks.pack(3, 5)
    assert marks.wrap(64 * 7 + 5) == 5


def test_no_mark_is_zero_or_shared_or_leaves_the_mask():
    seen = {marks.pack(slot, generation) for slot in range(1, 256) for generation in range(64)}
    assert len(seen) == 255 * 64
    for mark in seen:
        assert mark & marks.DEFAULT.mask == mark
        assert mark & OTHERS == 0
        assert mark & marks.DEFAULT.tag_mask == marks.TAG


def test_bits_of_others_are_ignored():
    assert marks.unpack(marks.pack(7, 9) | OTHERS) == (7, 9)


def test_unknown_marks_are_nobody():
    strangers = (0, 1, 0x7001, 0xFFFFFFFF, 0x40000001, 0x00008001, 0xC0008001, 0x4000C001, marks.TAG)
    for mark in strangers:
        assert marks.unpack(mark) is None


def test_slots_outside_are_refused():
    for slot in (0, -1, 256):
        assert refused(marks.pack, slot, 1)


def test_layouts_that_overlap_are_refused():
    assert refused(marks.Layout, 0)
    assert refused(marks.Layout, 0x4000C000)
    assert refused(marks.Layout, 0x1F000000)
    assert refused(marks.Layout, 0xC000C00000)
    assert refused(marks.Layout, 0xC000C000, 8)
    assert refused(marks.Layout, 0xC000C000, 0, 4)
    assert refused(marks.Layout, 0xC000C000, 0, 25)
    assert refused(marks.Layout, 0x0000F000, 25, 0)


def test_another_layout():
    layout = marks.Layout(0xF0000000, 8, 0)
    assert layout.pack(255, 63) == 0x6000FF3F
    assert layout.unpack(0x6000FF3F) == (255, 63)
    assert layout.unpack(0x4000FF3F) is None
    assert layout.mask == 0xF000FF3F


def test_each_pattern_of_the_signature_is_another_mark():
    layout = marks.Layout(0x88000300, 0, 16)
    states = [layout.state(number) for number in range(16)]
    assert len(set(states)) == 16
    assert layout.state(15) == layout.tag_mask
    assert layout.state(0) == 0


def test_whose_bits_they_also_are_is_known():
    assert marks.DEFAULT.shared() == []
    assert marks.Layout(0xC000C000, 16).shared() == ["pbr", "Tailscale"]
    assert marks.Layout(0xC000C000, 0, 8).shared() == ["mwan3"]


def test_the_mark_in_a_saved_syn():
    mark = marks.pack(9, 2)
    header = struct.pack("I", mark) + b"PA" + bytes(6) + b"\x08\x00" + bytes(40)
    assert marks.of_syn(header) == mark
    assert marks.of_syn(header[:14]) == mark
    for end in range(14):
        assert marks.of_syn(header[:end]) is None
    assert marks.of_syn(struct.pack("I", mark) + bytes(50)) is None
