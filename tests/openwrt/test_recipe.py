"""The image recipe: which models it takes, and that what it prints is a script that names packages which exist."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.openwrt import packages, recipe

PROGRAM = Path(__file__).parents[2] / "tools" / "image-recipe"


@pytest.mark.parametrize(("flash", "memory"), [(8, 64), (8, 128), (16, 64), (4, 32)])
def test_a_model_that_is_too_small_is_told_so(flash: int, memory: int) -> None:
    words = ["small", "--target", "ath79/tiny", "--flash", str(flash), "--memory", str(memory)]
    run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stdout == ""
    assert f"has {flash} MB of flash and {memory} MB of memory; it takes 16 and 128 at least" in run.stderr


@pytest.mark.parametrize("model", recipe.MODELS.values(), ids=lambda model: model.profile)
@pytest.mark.parametrize("release", ["24.10.5", "25.12.0"])
def test_what_is_printed_is_a_script_for_the_model(model: recipe.Model, release: str) -> None:
    text = recipe.recipe(model, release, doctor=True)
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    name = f"openwrt-imagebuilder-{release}-{model.target.replace('/', '-')}.Linux-x86_64"
    assert f"/releases/{release}/targets/{model.target}/{name}.tar.zst " in text
    assert f"make -C {name} image PROFILE={model.profile} PACKAGES=" in text
    assert text.count(recipe.RELEASES[release[:5]]) == 2
    (named,) = re.findall("PACKAGES='(.*)'", text)
    makefiles = "".join((packages.FEED / feed / "Makefile").read_text() for feed in packages.feed_folders())
    for package in named.split():
        assert (
            package == "luci" or f"call BuildPackage,{package})" in makefiles or f"PKG_NAME:={package}\n" in makefiles
        )


def test_the_classes() -> None:
    def told(flash: int, memory: int) -> str:
        return " ".join(recipe.advice(recipe.Model("t/s", "p", flash, memory)))

    assert "Only built" in told(16, 128) and "Small lists" in told(16, 128)
    assert "Only built" not in told(128, 128) and "Small lists" in told(128, 128)
    assert told(128, 256).startswith("Comfortable")


def test_an_unknown_model_needs_to_be_described() -> None:
    run = subprocess.run([PROGRAM, "nobody_knows"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "give --target, --flash and --memory" in run.stderr
    run = subprocess.run([PROGRAM, "generic", "--release", "23.05.2"], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "is none of 24.10, 25.12" in run.stderr
