"""Options that come from the command line or from the environment, in one table per command.

argparse only splits the command line: defaults, the environment variable `SCHED_EMULATOR_<OPTION>` and the conversion
of texts happen in `values_of`, so that every error names the option, or the variable, that holds the value.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn, TypeAlias

from sched_emulator.config import UsageError, parse_flag, parse_list
from sched_emulator.core import instants
from sched_emulator.output import write

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - argparse has no public name for it
Parse: TypeAlias = Callable[[str, str], Any]

ENVIRONMENT_PREFIX = "SCHED_EMULATOR_"
OURS = frozenset(  # what `run` tells the programs that it starts
    {"SCHED_EMULATOR_OFFLINE", "SCHED_EMULATOR_TLS_PORT", "SCHED_EMULATOR_CA_FILE"}
)
# What Kubernetes and Docker set for each service whose name begins like ours.
_OF_SERVICES = re.compile(r"(_[A-Z0-9_]*)?_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)")


def plain(text: str, _option: str) -> str:
    """Take a text as it is."""
    return text


def names(text: str, _option: str) -> tuple[str, ...]:
    """Take a list separated by commas."""
    return parse_list(text)


def api_key(text: str, option: str) -> str:
    """Return an API key, as it can be sent in a header."""
    if not (text.isascii() and text.isprintable()):
        what = (
            "ends with a line end"
            if text.strip().isprintable() and text.isascii()
            else "has signs that no key can have"
        )
        raise UsageError(f"{option}: the key {what}; expected visible ASCII characters alone")
    return text


def key_in(variable: str) -> str | None:
    """Return the API key that an environment variable holds, None where there is none."""
    return api_key(os.environ.get(variable, ""), f"${variable}") or None


def choice(*words: str) -> Parse:
    """Take one of the words."""

    def parse(text: str, option: str) -> str:
        if text not in words:
            raise UsageError(f"{option}: {text!r} is not possible; expected {' or '.join(words)}")
        return text

    return parse


def instant(text: str, option: str) -> int:
    """Return the epoch milliseconds of an instant; without an offset it is UTC."""
    try:
        ms = instants.from_text(text.strip())
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no instant; expected {instants.EXPECTED}") from None
    if not 0 <= ms <= instants.LAST_MS:
        raise UsageError(f"{option}: {text!r} is out of range; expected an instant from 1970 to 9999")
    return ms


@dataclass(frozen=True, slots=True)
class Option:
    """One option. A `repeated` one may be given more than once and its value is a tuple; a switch has no `metavar`.

    In the environment a repeated option is one list, separated by commas.
    """

    name: str
    help: str
    metavar: str | None = None
    parse: Parse = plain
    default: Any = None
    repeated: bool = False

    @property
    def dest(self) -> str:
        """The attribute that holds the value."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that sets the option."""
        return ENVIRONMENT_PREFIX + self.dest.upper()

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let argparse know the option. What is not given stays absent."""
        if self.metavar is None:
            parser.add_argument(self.name, action="store_true", help=self.help, default=argparse.SUPPRESS)
        else:
            action = "append" if self.repeated else "store"
            parser.add_argument(
                self.name, action=action, metavar=self.metavar, help=self.help, default=argparse.SUPPRESS
            )

    def value(self, given: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
        """Return the value: given on the command line, else set in the environment, else the default."""
        if self.dest in given:
            return self._converted(given[self.dest], self.name)
        if not self.is_given(given, environment):
            return self.default
        text = environment[self.variable]
        return self._converted(text.split(",") if self.repeated else text, self.variable)

    def is_given(self, given: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """Say whether the option was given on the command line, or by a variable."""
        text = environment.get(self.variable, "")
        return self.dest in given or bool(text and not text.startswith("tcp://"))

    def _converted(self, raw: Any, option: str) -> Any:
        if self.metavar is None:
            return raw if isinstance(raw, bool) else parse_flag(raw, option)
        if self.repeated:
            return tuple(self.parse(text.strip(), option) for text in raw)
        return self.parse(raw, option)


def values_of(
    options: Sequence[Option], namespace: argparse.Namespace, environment: Mapping[str, str]
) -> argparse.Namespace:
    """Return the values of all options of a command, and its positional arguments beside them.

    `given` names the options that the command line or the environment has set, to whatever.
    """
    given = vars(namespace)
    said = frozenset(option.dest for option in options if option.is_given(given, environment))
    values = {option.dest: option.value(given, environment) for option in options}
    return argparse.Namespace(**{**given, **values, "given": said})


def without_effect(environment: Mapping[str, str], options: Iterable[Option]) -> str | None:
    """Say which variables look like options and are none, those of services aside; None when there are no such."""
    known = {option.variable for option in options} | OURS
    options_known = sorted(name.removeprefix(ENVIRONMENT_PREFIX) for name in known - OURS)
    told = []
    for name, text in sorted(environment.items()):
        of_service = _OF_SERVICES.fullmatch(name.removeprefix(ENVIRONMENT_PREFIX[:-1])) or text.startswith("tcp://")
        if name.startswith(ENVIRONMENT_PREFIX) and text and name not in known and not of_service:
            close = get_close_matches(name.removeprefix(ENVIRONMENT_PREFIX), options_known, n=1)
            told.append(f"{name} (did you mean {ENVIRONMENT_PREFIX}{close[0]}?)" if close else name)
    return f"no option is set by {', '.join(told)}" if told else None


ALIKE = 0.65  # from 0 to 1, how alike a word must be to be what was meant
# What argparse says of a command that there is none of.
_NO_CHOICE = re.compile(r"argument (?P<kind>COMMAND|ACTION): invalid choice: '(?P<word>.*)' \(choose from .*")


def _meant(word: str, known: Sequence[str]) -> str:
    """Return a word that was typed, with what was perhaps meant."""
    bare = {name.removeprefix("--"): name for name in known}
    close = get_close_matches(word.partition("=")[0].removeprefix("--"), bare, n=1, cutoff=ALIKE)
    return f"{word!r} (did you mean {bare[close[0]]}?)" if close else repr(word)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what to do. `actions` are the commands that may follow."""

    actions: "Commands | None" = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def print_help(self, _file: object = None) -> None:
        """Write how the command is used."""
        write(sys.stdout, self.format_help(), flush=True)

    def add_subparsers(self, **settings: Any) -> Commands:  # type: ignore[override] # of its own class
        """Let commands follow."""
        self.actions = super().add_subparsers(**settings)
        return self.actions

    def parse_known(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Return what a command line says; end with status 2 and one line for an option that there is none of."""
        namespace, others = self.parse_known_args(arguments)
        if others:
            options = [option.name for option in getattr(namespace, "options", ())]
            options += ["--help", *(["--version"] if not options else [])]
            prog = getattr(namespace, "prog", self.prog)
            odd = next((word for word in others if word.startswith("-")), None)
            told = (
                f"nothing is done with {others[0]!r}" if odd is None else f"there is no option {_meant(odd, options)}"
            )
            self.exit(2, f"{prog}: {told}; `{prog} --help` shows how it is used\n")
        if not hasattr(namespace, "run"):
            self.error("say which command, such as serve")
        return namespace

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line."""
        wrong = _NO_CHOICE.fullmatch(message)
        if wrong is not None and self.actions is not None:
            told = _meant(wrong["word"], list(self.actions.choices))
            message = f"there is no {wrong['kind'].lower()} {told}"
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` shows how it is used\n")


def add_command(
    commands: Commands,
    name: str,
    *,
    summary: str,
    examples: str,
    run: Callable[[argparse.Namespace], int],
    options: Sequence[Option] = (),
) -> Parser:
    """Add a command with its options; `run` gets the values and returns the exit status."""
    parser = commands.add_parser(name, help=summary, description=summary, epilog=f"examples:\n{examples}")
    for option in options:
        option.add_to(parser)
    parser.set_defaults(run=run, options=options, prog=parser.prog)
    return parser
