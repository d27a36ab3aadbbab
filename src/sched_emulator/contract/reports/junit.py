"""The report for continuous integration: JUnit XML."""

import re
from xml.etree import ElementTree as ET

from sched_emulator.contract.report import Report
from sched_emulator.contract.results import Result, Status

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SKIPPED = (Status.NOT_CHECKED, Status.UNDETERMINED, Status.KNOWN, Status.DIFFERS)


def render(report: Report) -> str:
    """Return the report as JUnit XML."""
    failures = len(report.failures) + len(report.gone_known)
    counts = {
        "tests": str(len(report.results) + len(report.gone_known)),
        "failures": str(failures),
        "errors": str(sum(item.status == Status.ERROR for item in report.results)),
        "skipped": str(sum(item.status in SKIPPED for item in report.results)),
        "time": f"{report.seconds:.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "contract", **counts, "timestamp": report.began[:19]})
    for result in report.results:
        _case(report, suite, result)
    for glob in report.gone_known:
        case = ET.SubElement(suite, "testcase", {"classname": "known", "name": glob})
        ET.SubElement(case, "failure", {"message": "this known deviation no longer deviates"})
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(report: Report, suite: ET.Element, result: Result) -> None:
    group = result.check.address.rpartition("/")[0].replace("/", ".")
    names = {
        "classname": group,
        "name": f"{result.check.address} {result.check.title}",
        "time": f"{result.seconds:.3f}",
    }
    case = ET.SubElement(suite, "testcase", {name: _clean(text) for name, text in names.items()})
    message = {"message": _clean(result.reason)}
    if result.status == Status.FAILED:
        lines = [f"came: {result.reason}", f"expected: {result.expected}", f"repeat: {report.repeat(result)}", ""]
        lines += [f"{item.curl()}\n  -> {item.came()}" for item in result.exchanges]
        ET.SubElement(case, "failure", message).text = _clean("\n".join(lines))
    elif result.status == Status.ERROR:
        ET.SubElement(case, "error", message)
    elif result.status in SKIPPED:
        ET.SubElement(case, "skipped", message)


def _clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
