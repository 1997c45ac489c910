"""All fuzzers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fuzz_plans
import fuzz_texts

if TYPE_CHECKING:
    from fuzzing import Target

TARGETS: dict[str, Target] = {
    target.name: target for target in (*fuzz_plans.TARGETS, *fuzz_texts.TARGETS)
}
