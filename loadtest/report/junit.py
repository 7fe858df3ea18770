"""A result as JUnit XML: a test case for each threshold, and one for the tester itself."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loadtest.report.result import Result

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(result: Result) -> bytes:
    """Return the file; what was not measured is skipped, what does not hold has failed."""
    suite = Element("testsuite", name=f"linli loadtest {_clean(result.scenario)}")
    failures = skipped = 0
    for one in result.thresholds:
        case = SubElement(suite, "testcase", classname=result.scenario, name=one.threshold)
        if one.holds is None:
            skipped += 1
            SubElement(case, "skipped", message="nothing was measured")
        elif not one.holds:
            failures += 1
            SubElement(case, "failure", message=f"measured {one.measured:g}")
    valid = SubElement(suite, "testcase", classname=result.scenario, name="the run is valid")
    if result.objections:
        error = SubElement(valid, "error", message=_clean(result.objections[0]))
        error.text = _clean("\n".join(result.objections))
    for name, count in {
        "tests": len(result.thresholds) + 1,
        "failures": failures,
        "errors": int(bool(result.objections)),
        "skipped": skipped,
    }.items():
        suite.set(name, str(count))
    suite.set("time", f"{result.played_s:.1f}")
    suite.set("timestamp", result.started_at)
    indent(suite)
    text: bytes = tostring(suite, "utf-8", xml_declaration=True)
    return text


def _clean(text: str) -> str:
    """Return `text` without what XML 1.0 cannot carry."""
    return _ILLEGAL.sub("", text)
