"""`sched-emulator completion`: a script that completes commands and options, made from the parser itself."""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from .options import Commands, Option, Parser, add_command, choice
from .terminal import say

OPTIONS: tuple[Option, ...] = ()
EXAMPLES = """  source <(sched-emulator completion bash)                                       # in ~/.bashrc
  source <(sched-emulator completion zsh)                                        # in ~/.zshrc, after compinit
  sched-emulator completion fish > ~/.config/fish/completions/sched-emulator.fish"""


class Word(NamedTuple):
    """What may be typed: a command or an option, and whether that takes a value."""

    word: str
    told: str
    takes_value: bool = False


Table = dict[str, list[Word]]  # what may follow the commands that were typed, separated by blanks


def register(commands: Commands) -> None:
    """Add the command."""
    summary = "Print a script that completes commands and options in a shell."
    parser = add_command(commands, "completion", summary=summary, examples=EXAMPLES, run=run, options=OPTIONS)
    parser.add_argument("shell", metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(commands=commands)


def run(values: argparse.Namespace) -> int:
    """Print the script."""
    say(SHELLS[choice(*SHELLS)(values.shell, "SHELL")](dict(_following("", values.commands, ()))))
    return 0


def _following(said: str, commands: "Commands | None", options: tuple[Option, ...]) -> Iterator[tuple[str, list[Word]]]:
    """Yield what may follow some commands, and then what may follow each command after them."""
    parsers: dict[str, Parser] = {} if commands is None else dict(commands.choices)
    words = [Word(name, parser.description or "") for name, parser in parsers.items()]
    words += [Word(option.name, option.help, option.metavar is not None) for option in options]
    version = [] if said else [Word("--version", "show the version")]
    yield said, [*words, *version, Word("--help", "show how it is used")]
    for name, parser in parsers.items():
        yield from _following(f"{said} {name}".lstrip(), parser.actions, parser.get_default("options"))


def _bash(table: Table) -> str:
    values = "|".join(f'"{said} {each.word}"' for said, words in table.items() for each in words if each.takes_value)
    cases = "\n".join(
        f'        "{said}") words="{" ".join(each.word for each in words)}" ;;' for said, words in table.items()
    )
    return f"""\
_sched_emulator() {{
    local said="" word words=""
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$said${{said:+ }}$word" in
            {_known(table)}) said="$said${{said:+ }}$word" ;;
        esac
    done
    case "$said ${{COMP_WORDS[COMP_CWORD-1]}}" in
        {values}) return ;;
    esac
    case "$said" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _sched_emulator sched-emulator"""


def _zsh(table: Table) -> str:
    cases = "\n".join(
        f'        "{said}") told=({" ".join(_quoted(f"{each.word}:{each.told}") for each in words)}) ;;'
        for said, words in table.items()
    )
    return f"""\
#compdef sched-emulator
_sched_emulator() {{
    local said="" word
    local -a told
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$said${{said:+ }}$word" in
            {_known(table)}) said="$said${{said:+ }}$word" ;;
        esac
    done
    case "$said" in
{cases}
    esac
    _describe -o sched-emulator told || _files
}}
compdef _sched_emulator sched-emulator"""


def _fish(table: Table) -> str:
    lines = []
    for said, words in table.items():
        for each in words:
            what = f"-l {each.word.removeprefix('--')}" if each.word.startswith("--") else f"-f -a {each.word}"
            value = " -r" if each.takes_value else ""
            when = f"-n '__sched_emulator_said \"{said}\"'"
            lines.append(f"complete -c sched-emulator {when} {what}{value} -d {_quoted(each.told)}")
    told = "\n".join(lines)
    return f"""\
function __sched_emulator_said
    set -l said
    for word in (commandline -opc)[2..-1]
        switch (string join ' ' $said $word)
            case {" ".join(f"'{said}'" for said in table if said)}
                set -a said $word
        end
    end
    test "$said" = "$argv[1]"
end
{told}"""


def _known(table: Table) -> str:
    return "|".join(f'"{said}"' for said in table if said)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "").replace("'", "\u2019") + "'"


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
