"""Completion in shells: whatever the parser knows is offered where it may be typed."""

import shutil
import subprocess

import pytest

from sched_emulator.cli import COMMANDS, main

BASH = shutil.which("bash")


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_completes_commands_actions_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    typed = {
        "sched-emulator ser": "serve",
        "sched-emulator c": "clock cron contract calibrate completion",
        "sched-emulator clock ": "show advance set freeze resume --url --key --json --help",
        "sched-emulator clock --key ifr_a adv": "advance",
        "sched-emulator serve --port 80 --port-f": "--port-file",
        "sched-emulator serve --port-file ": "",
        "sched-emulator snapshot save --j": "--json",
        "sched-emulator targets add serve --th": "--then",
        "sched-emulator nothing --": "--version --help",
    }
    asked = "\n".join(
        f"COMP_WORDS=({line[: len(line) - len(line.split(' ')[-1])]}); COMP_WORDS+=('{line.split(' ')[-1]}'); "
        "COMP_CWORD=$((${#COMP_WORDS[@]}-1)); COMPREPLY=(); _sched_emulator; echo ${COMPREPLY[@]}"
        for line in typed
    )
    done = subprocess.run(
        [BASH or "", "-c", script("bash", capsys) + asked], capture_output=True, text=True, check=True
    )
    assert (dict(zip(typed, done.stdout.splitlines(), strict=True)), done.stderr) == (typed, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_each_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    written = script(shell, capsys)
    for module in COMMANDS:
        for option in module.OPTIONS:
            assert (f" -l {option.name[2:]}" if shell == "fish" else option.name) in written
    for command in ("serve", "advance", "snapshot", "load"):
        assert command in written


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_no_text_of_help_ends_a_quotation(capsys: pytest.CaptureFixture[str]) -> None:
    """Of zsh and fish bash understands the quotation marks, which is what a text could break."""
    for shell in ("zsh", "fish"):
        for line in script(shell, capsys).splitlines():
            if "told=(" in line or line.startswith("complete "):
                assert line.count("'") % 2 == 0
                assert "\\" not in line
