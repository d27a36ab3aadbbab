"""`sched-emulator pull`: the crons and queues of an account, as a snapshot that the emulator loads."""

import argparse

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import counted

from . import serve
from .contract import TARGET_OPTIONS, needed_packages, target
from .options import Commands, Option, add_command, key_in
from .terminal import complain, paragraph, say, table

_TAKEN = {"--api-key-env", "--max-requests", "--max-usd", "--rate"}
_ANSWERS = {"--dialect", "--assume", "--assumptions"}

OPTIONS = (
    Option("--target", "whose crons and queues, such as https://api.infrai.cc", "URL", target),
    *(option for option in TARGET_OPTIONS if option.name in _TAKEN),
    *(option for option in serve.OPTIONS if option.name in _ANSWERS),
    Option("--out", "the snapshot to write", "SNAPSHOT", files.to_write),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "pull",
        summary="Read the crons and queues of an account, by lists and gets alone, into a snapshot for `serve --load`.",
        examples="  sched-emulator pull --target https://api.infrai.cc --out account.json\n"
        "  sched-emulator serve --load account.json\n"
        "  sched-emulator timeline",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Read the account and write the snapshot; status 2 when it cannot be read."""
    for option, expected in (("target", "the URL of a gateway"), ("out", "the snapshot to write")):
        if getattr(values, option) is None:
            raise UsageError(f"--{option}: expected {expected}")
    with needed_packages():
        from sched_emulator.contract import account  # noqa: PLC0415 - it needs further packages
        from sched_emulator.contract.settings import EMULATOR, Settings  # noqa: PLC0415 - the same
    from sched_emulator.core.errors import InvalidRequest  # noqa: PLC0415 - beside its use, as all
    from sched_emulator.server import pulled  # noqa: PLC0415 - nobody else pays for it
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    if values.target == EMULATOR:
        raise UsageError("--target: a fresh emulator has no account to read; expected the URL of a gateway")
    answers = assumptions.preset(values.dialect) | serve.answers_said(values.assumptions, dict(values.assume))
    settings = Settings(
        values.target,
        key=key_in(values.api_key_env),
        key_variable=values.api_key_env,
        max_requests=values.max_requests,
        max_usd=values.max_usd,
        rate=values.rate,
    )
    try:
        found = account.read(settings)
    except account.CannotRead as error:
        complain(values.prog, error)
        return 2
    try:
        made = pulled.build(found.crons, found.queues, round(1000 * found.at), answers)
    except InvalidRequest as error:
        complain(values.prog, f"no snapshot comes of what {found.url} answered: {error.message}")
        return 2
    files.write(values.out, made.document.decode(), "--out")
    crons, queues = counted(len(made.crons), "cron"), counted(len(made.queues), "queue")
    say(f"{crons} and {queues} of {found.url}, read with {counted(found.requests, 'request')}.")
    table([(f"  {there}", f"is {here} here") for here, there in made.crons])
    for remark in made.remarks:
        paragraph(remark)
    say(f"wrote {values.out}, for `sched-emulator serve --load {values.out}`; `timeline` then shows what fires next")
    return 0
