"""The feed's Makefiles, by the conventions of OpenWrt's packages feed, for opkg (24.10) and apk (25.12) alike."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.openwrt import packages, translations

# apk-tools, "version" grammar: digits, letter, suffixes, commit hash, revision.
APK_VERSION = re.compile(r"\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(~[0-9a-f]+)?(-r\d+)?", re.ASCII)
# Each before the next, as far as a Makefile has them.
ORDER = (
    "include $(TOPDIR)/rules.mk",
    "PKG_NAME:=",
    "PKG_VERSION:=",
    "PKG_RELEASE:=",
    "PYPI_NAME:=",
    "PKG_HASH:=",
    "PKG_LICENSE:=",
    "PKG_LICENSE_FILES:=",
    "PKG_MAINTAINER:=",
    "PKG_BUILD_DEPENDS:=",
    "pypi.mk",
    "include $(INCLUDE_DIR)/package.mk",
    "python3-package.mk",
    "define Package/",
    "$(eval $(call Py3Package,",
    "$(eval $(call BuildPackage,",
)

feeds = pytest.mark.parametrize("feed", packages.feed_folders())


def makefile(feed: str) -> str:
    return (packages.FEED / feed / "Makefile").read_text()


def value(text: str, name: str) -> str:
    found = re.search(rf"^{name}:=(.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else ""


@feeds
def test_fields_stand_in_the_feeds_order(feed):
    text = makefile(feed)
    places = [text.find(mark) for mark in ORDER if mark in text]
    assert places == sorted(places)
    assert text.startswith("# SPDX-License-Identifier: ")


@feeds
def test_required_fields_are_there(feed):
    text = makefile(feed)
    assert value(text, "PKG_NAME") == feed
    # LuCI's packages give it to luci.mk, which reads no PKG_MAINTAINER.
    maintainer = "LUCI_MAINTAINER" if feed.startswith("luci-") else "PKG_MAINTAINER"
    assert value(text, maintainer) == "$(or $(PRIVACY_AGENT_MAINTAINER),privacy-agent)"
    assert value(text, "PKG_LICENSE") in ("Apache-2.0", "BSD-2-Clause")
    assert re.fullmatch(r"[1-9]\d*", value(text, "PKG_RELEASE"))


@feeds
def test_versions_are_versions_to_apk_too(feed):
    text = makefile(feed)
    assert APK_VERSION.fullmatch(f"{value(text, 'PKG_VERSION')}-r{value(text, 'PKG_RELEASE')}")


def test_the_version_grammar_knows_a_bad_one():
    assert not APK_VERSION.fullmatch("2023-11-19-1") and not APK_VERSION.fullmatch("v0.5.13-20240317")


@feeds
def test_every_package_that_holds_modules_has_a_package_of_their_sources(feed):
    text = makefile(feed)
    for name in re.findall(r"call Py3Package,([a-z0-9-]+)", text):
        assert f"$(eval $(call BuildPackage,{name}))\n$(eval $(call BuildPackage,{name}-src))\n" in text


@pytest.mark.parametrize("feed", [feed for feed in packages.feed_folders() if "LICENSE_FILES" in makefile(feed)])
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_licence_files_are_where_the_makefile_says(feed, tmp_path):
    """PKG_LICENSE_FILES is relative to the folder that the package is built in."""
    variables = [f"TOPDIR={packages.NOSDK}", f"STAGE={tmp_path}", f"PYPI_CACHE={packages.PYPI_CACHE}"]
    command = ["make", "-s", "-C", str(packages.FEED / feed), *variables, "nosdk-build"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (folder,) = (path for path in (tmp_path / "build").iterdir() if path.is_dir())
    assert [name for name in value(makefile(feed), "PKG_LICENSE_FILES").split() if not (folder / name).is_file()] == []


def test_conffiles_are_installed_and_state_is_kept():
    text = makefile("privacy-agent")
    conffiles = re.search(r"define Package/privacy-agent/conffiles\n(.*?)\nendef", text, re.DOTALL)
    assert conffiles is not None
    for path in conffiles.group(1).split():
        assert f"$(1){path}\n" in text, f"{path} is not among what is installed"
    assert "$(1)/lib/upgrade/keep.d/privacy-agent\n" in text


@pytest.mark.parametrize("path", sorted((packages.FEED / "privacy-agent" / "files").iterdir()), ids=lambda p: p.name)
def test_scripts_call_no_package_manager(path: Path):
    """24.10 has opkg, 25.12 apk: a script that knows one of them is wrong on the other."""
    assert not re.search(r"\b(opkg|apk) ", path.read_text())


KEPT = "/etc/privacy-agent/kept/state.db"
LISTED = ["state.db", "history.db", "anchor", "spent", "forgotten", "kept/state.db.part", "kept/state.db"]


@pytest.mark.parametrize("shell", [["sh"], ["busybox", "sh"]], ids=" ".join)
def test_a_backup_has_the_copy_of_the_state_and_nothing_else_of_the_folder(shell, tmp_path):
    """Whatever sysupgrade lists: with -c all that changed below /etc, and what the household added itself."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    others = ["/etc/config/privacy-agent", "/etc/privacy-agents/own", "/etc/passwd"]
    listed = tmp_path / "conffiles"
    listed.write_text("".join(f"{path}\n" for path in [*others, *(f"/etc/privacy-agent/{name}" for name in LISTED)]))
    hooks = 'sysupgrade_init_conffiles=add_all; . "$1"; set -- "$2" $sysupgrade_init_conffiles; echo $*; $4 "$1"'
    script = packages.FEED / "privacy-agent" / "files" / "upgrade.sh"
    run = subprocess.run([*shell, "-c", hooks, "x", script, listed], capture_output=True, text=True, check=True)
    assert run.stdout.split()[1:] == ["privacy_agent_copy", "add_all", "privacy_agent_only"]
    assert listed.read_text().splitlines() == [*others, KEPT]
    assert (packages.FEED / "privacy-agent" / "files" / "keep").read_text() == KEPT + "\n"


def test_scripts_of_the_packages_are_shell(tmp_path):
    for feed in packages.feed_folders():
        for name, body in re.findall(r"define Package/[a-z0-9-]+/(p\w+)\n(.*?)\nendef", makefile(feed), re.DOTALL):
            script = tmp_path / f"{feed}.{name}"
            script.write_text(body.replace("$${", "${").replace("$$", "$"))
            assert body.startswith("#!/bin/sh\n")
            subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_translation_template_is_the_pages_texts():
    assert translations.TEMPLATE.read_text() == translations.template(translations.APP)


@pytest.mark.parametrize("path", sorted(translations.APP.glob("po/*/*.po")), ids=lambda path: path.parent.name)
def test_each_text_is_translated_with_its_values(path: Path):
    entries = dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', path.read_text(), re.MULTILINE))
    assert sorted(entries) == sorted(translations.collect(translations.APP))
    for text, translated in entries.items():
        assert re.findall("%[sd]", translated) == re.findall("%[sd]", text), text


def test_who_answers_for_a_build_is_the_builders_to_say(tmp_path):
    """No address is made up; luci.mk reads a variable of its own."""
    for feed in packages.feed_folders():
        for said, expected in ((), "privacy-agent"), (("Jo <jo@example.org>",), "Jo <jo@example.org>"):
            given = {"PRIVACY_AGENT_MAINTAINER": said[0]} if said else {}
            staged = packages.stage(packages.FEED / feed, tmp_path / "work", "3.11", given)
            assert {package.fields["MAINTAINER"] for package in staged} == {expected}, feed
