"""Every instruction, in every type, is executed by a test that knows the answer without the engines.

A row names a test and the instructions whose results it holds to numbers of its own: Python's integers and fractions,
numpy, or cycles that were counted by hand. What it names it must execute, on the reference
engine; test_fast.py holds the fast one to that on programs in which every instruction occurs.
"""

from __future__ import annotations

from fnmatch import filter as matching
from pathlib import Path

import pytest
from executed import FORMS, Executed

HERE = Path(__file__).parent
ANSWERS = {
    "test_vm_icu.py::test_nop_idles_the_queue": "icu.nop",
    "test_vm_icu.py::test_repeat_holds_the_queue_and_nests": "icu.repeat",
    "test_vm_icu.py::test_notify_releases_every_sync_that_was_there_before": "icu.notify icu.sync",
    "test_vm_icu.py::test_ifetch_samples_two_streams": "icu.ifetch",
    "test_vm_icu.py::test_config_has_no_effect": "icu.config",
    "test_vm_icu.py::test_deskew_waits_for_the_counter": "c2c.deskew",
    "test_vm_icu.py::test_transmit_notifies_over_a_link": "c2c.transmit",
    "test_vm_icu.py::test_vectors_go_over_a_link_in_order": "c2c.send c2c.receive",
    "test_vm_mem.py::test_a_read_stands_in_its_register_a_cycle_later": "mem.read",
    "test_vm_mem.py::test_a_write_changes_its_word_three_cycles_later": "mem.write",
    "test_vm_mem.py::test_gather": "mem.gather",
    "test_vm_mem.py::test_scatter": "mem.scatter",
    "test_vm_mxm.py::test_load_install_multiply_accumulate": "mxm.lw.i8 mxm.iw.i8 mxm.abc.i8 mxm.acc.i32",
    "test_vm_mxm.py::test_rows_go_straight_to_the_array_and_clear_makes_it_zero": "mxm.clear.i8",
    "test_vm_mxm.py::test_f16_on_the_pair": "mxm.lw.f16 mxm.abc.f16 mxm.acc.f32",
    "test_vm_mxm.py::test_iw_f16_straight_from_streams_and_clear_of_the_pair": "mxm.iw.f16 mxm.clear.f16",
    "test_vm_sxm.py::test_shift": "sxm.shift",
    "test_vm_sxm.py::test_shift_wide": "sxm.shift_wide",
    "test_vm_sxm.py::test_select": "sxm.select",
    "test_vm_sxm.py::test_permute": "sxm.permute",
    "test_vm_sxm.py::test_distribute": "sxm.distribute",
    "test_vm_sxm.py::test_rotate": "sxm.rotate",
    "test_vm_sxm.py::test_transpose": "sxm.transpose",
    "test_vm_sxm.py::test_transpose_null": "sxm.transpose_null",
    "test_vm_sxm.py::test_broadcast": "sxm.broadcast",
    "test_vm_vxm.py::test_every_operation_with_every_kind_of_operand": "vxm.*",
    "test_scalar.py::test_conditional_jumps": "seq.cmp seq.j*",
    "test_scalar.py::test_integers_wrap": "seq.mov seq.add seq.sub seq.mul",
    "test_scalar.py::test_cycles": "seq.ld seq.st seq.halt",
}


def test_every_instruction_has_a_row() -> None:
    rows = " ".join(ANSWERS.values()).split()
    assert {form for row in rows for form in matching(FORMS, row)} == FORMS


def test_every_row_is_executed(request: pytest.FixtureRequest) -> None:
    executed = Executed()
    options = ["-p", "no:cacheprovider", f"--rootdir={request.config.rootpath}"]
    assert pytest.main([*options, *(str(HERE / test) for test in ANSWERS)], [executed]) == pytest.ExitCode.OK
    for test, row in ANSWERS.items():
        for form in row.split():
            missing = {*matching(FORMS, form)} - executed.forms[test]
            assert not missing, f"{test} does not execute {sorted(missing)}"
