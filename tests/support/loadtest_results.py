"""Results of load tests that never ran."""

from loadtest.measure.recorder import Recorder
from loadtest.report.progress import Progress
from loadtest.report.result import Health, Result, Span, curves_of, verdict_of
from loadtest.scenario.plan import Plan, StageTime
from loadtest.scenario.thresholds import Threshold

THRESHOLDS = ("room.gaps == 0", "join.p99_ms < 5", "tap.answer.p99_ms < 5")
TITLE = {"en": 'One <script>"&', "zh": "一场"}


def loadtest_progress(seconds: int = 12, gaps: int = 0) -> Progress:
    """A run of two stages in which joins take as many ms as their second."""
    stages = (StageTime("begin", 0.0, seconds / 2), StageTime("end", seconds / 2, float(seconds)))
    plan = Plan((), stages, (), float(seconds))
    found = Progress(TITLE, "http://linli", plan, tuple(map(Threshold.parse, THRESHOLDS)))
    for second in range(seconds):
        recorder = Recorder()
        recorder.population = second
        recorder.counts.update({"room.messages": 5, "viewers.joined": 1})
        recorder.delay("join", 0, second * 1_000_000)
        if second == 3:
            recorder.counts["room.gaps"] = gaps
            recorder.errors["close 3008 <b>"] = 2
        found.add(recorder.cut(second))
    return found


def loadtest_result(seconds: int = 12, gaps: int = 0, objections: tuple[str, ...] = ()) -> Result:
    """The result of such a run."""
    run = loadtest_progress(seconds, gaps)
    measures = run.total.measured()
    judged = run.judge(measures)
    return Result(
        scenario="one",
        title=TITLE,
        target=run.target,
        room="demo",
        factor=1.0,
        seed=1,
        workers=1,
        started_at="2026-01-01T00:00:00+00:00",
        planned_s=float(seconds),
        played_s=float(seconds),
        stages=[Span(one.name, one.begin_s, one.end_s) for one in run.plan.stages],
        verdict=verdict_of(judged, list(objections)),
        thresholds=judged,
        objections=list(objections),
        notes=["A note."],
        measures=measures,
        errors=dict(run.total.errors),
        curves=curves_of(run.total),
        histograms={},
        seconds=run.all_seconds(),
        tester=Health(1.0, 2.0, 0.1, 0.0, 0.0, 0),
        machine={"cpu": "a", "cores": 2, "python": "p"},
    )
