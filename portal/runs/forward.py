"""A Run forward: look -> settled? -> ready? -> gates -> intent -> act once -> look until settled or patience ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Now

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.plan import Plan
from portal.kernel.step import Act, Fetch, Seen, Step, Work, WorkFailed, WorkStopped
from portal.kernel.verdict import Verdict, Word, failed, wait
from portal.runs import deciding, hostside, ports, record
from portal.runs.drive import BACK, NEXT, Drive, Stop, act_name, frozen, in_seconds
from portal.runs.ending import aborted, begin_ending
from portal.runs.hostside import Progress, Tail
from portal.runs.models import Run, RunStep
from portal.runs.states import move_step
from portal.runs.work import AtWork

T = RunStep.State
P = RunStep.Phase

SOON = 0.5  # seconds


def forward(drive: Drive, plan: Plan) -> Stop:
    """Walks the steps that are not done. next: all are done."""
    rows = RunStep.objects.filter(run_id=drive.run.pk, state__in=(T.WAITING, T.RUNNING, T.HELD))
    for row in rows.order_by("position"):
        if row.state == T.HELD:
            return deciding.waits(drive, row)
        stop = _Walk(drive, row, plan.steps[row.position - 1], plan.decide.get(row.name, 0.0)).walk()
        if stop is not NEXT:
            return stop
    return asked(drive, None) or NEXT


def asked(drive: Drive, row: RunStep | None) -> Stop | None:
    """What people have asked for meanwhile: an abort at any time, a hold before the next act."""
    if aborted(drive, row):
        return BACK
    run = Run.objects.only("held_by").get(pk=drive.run.pk)
    if run.held_by and row and row.phase in (P.LOOK, P.READY):
        return Stop("park")
    return None


@dataclass
class _Walk:
    """One step of a Run on its way forward."""

    drive: Drive
    row: RunStep
    step: Step
    decision: float = 0.0  # seconds that its failure waits for people; 0: its undos begin at once
    sent: bool = False  # something was sent since the last look

    def walk(self) -> Stop:
        """Until the step has settled or failed, or the worker should let go."""
        while True:
            stop = asked(self.drive, self.row)
            if stop:
                return stop
            self._enter()
            stop = self._conclude(self._once())
            if stop:
                return stop
            # much of what is sent is done at once: the first look at it comes soon
            pause = min(SOON, self.step.every) if self.sent else self.step.every
            self.sent = False
            if not self.drive.linger(pause):
                return Stop("park", self.step.every)

    def _enter(self) -> None:
        if self.row.state != T.WAITING:
            return
        with self.drive.lease.writing():
            deadline = in_seconds(self.step.patience)
            place = self.step.where(self.drive.parameters)
            told = {"place": place, "place_name": self.drive.name_of(place)}
            move_step(self.row.pk, [T.WAITING], T.RUNNING, began=Now(), phase=P.LOOK, deadline=deadline, **told)
            self.drive.note(None, f"Step {self.row.position}: {self.row.title}.")
        self.row.refresh_from_db()

    def _conclude(self, verdict: Verdict) -> Stop | None:
        sentence = self.drive.masked(verdict.sentence)
        if verdict.word is Word.DONE:
            self._done(sentence)
            return NEXT
        if verdict.word is Word.WAIT and self.drive.overdue(self.row):
            sentence = f"{sentence} Patience ended after {self.step.patience:g} s."
            verdict = failed(sentence)
        if verdict.word is Word.FAILED:
            if self.decision and deciding.hold(self.drive, self.row, sentence, self.decision):
                return deciding.waits(self.drive, self.row)
            begin_ending(self.drive, Run.Status.FAILED, self.row, sentence)
            return BACK
        if sentence != self.row.sentence:
            self.drive.set(self.row, sentence=sentence)
        return None

    def _done(self, sentence: str) -> None:
        with self.drive.lease.writing():
            move_step(self.row.pk, [T.RUNNING], T.DONE, phase=P.SETTLED, ended=Now(), sentence=sentence)
            self.drive.note(self.row, sentence)
            body = {"step": self.row.name, "position": self.row.position, "sentence": sentence}
            record.put(self.drive.run, "run.step_done", "portal", body)

    def _once(self) -> Verdict:
        """One look, and the act when its time has come."""
        try:
            seen, tail = self.drive.look(self.row, self.step)
            verdict = self.step.settled(seen, self.drive.parameters)
            if verdict.word is Word.DONE:
                return verdict
            if self.row.intended_at is None:
                return self._before(seen, verdict)
            return self._after(seen, tail, verdict)
        except LookFailed as error:
            return wait(str(error))

    def _before(self, seen: Seen, verdict: Verdict) -> Verdict:
        """Nothing was started."""
        if self.row.phase == P.LOOK:
            self.drive.set(self.row, phase=P.READY)
        ready = self.step.ready(seen, self.drive.parameters)
        if ready.word is not Word.GO:
            return ready
        acts = self.step.act(self.drive.parameters)
        if not acts:
            return wait(verdict.sentence) if verdict.word is Word.GO else verdict
        return self._send(acts)

    def _after(self, seen: Seen, tail: Tail | None, verdict: Verdict) -> Verdict:
        """It has set out to act: did the act start, and what came of it?"""
        if tail is None:
            missing = self.row.phase == P.INTENT
        else:
            missing = tail.progress in (Progress.ABSENT, Progress.CLOSED)
            if missing and self.row.phase != P.INTENT:
                words = f"The folder of this run has vanished from {self._name()}"
                return failed(f"{words}, so nobody can say what became of the command: look there.")
        if missing and verdict.word is not Word.FAILED:
            # the intent was written, and the target shows that nothing was started
            return self._before(seen, verdict)
        if tail is not None:
            verdict = self._follow(tail, verdict)
        return wait(verdict.sentence) if verdict.word is Word.GO else verdict

    def _follow(self, tail: Tail, verdict: Verdict) -> Verdict:
        """Keeps the phase in step with the target, and says so when the command's end was not as it should be."""
        phase = P.SETTLING if tail.progress in (Progress.ENDED, Progress.LOST) else P.ACTING
        if self.row.phase != phase:
            self.drive.set(self.row, phase=phase)
        if verdict.word is not Word.WAIT:
            return verdict
        if tail.progress is Progress.LOST:
            return wait(f"{verdict.sentence} Its command ended without a result: the host restarted or it was killed.")
        if tail.progress is Progress.CLAIMED:
            return wait(f"{verdict.sentence} Its command has been sent and shows no start.")
        return verdict

    def _send(self, acts: tuple[Act, ...]) -> Verdict:
        """Gates, intent, act. The order is the whole point: what is sent has been written first."""
        if sentence := ports.refusal(self.drive.run):
            return self._shut(sentence)
        commands = [act for act in acts if isinstance(act, Command)]
        own = [act for act in acts if not isinstance(act, Command)]
        if own and (commands or not isinstance(self.step.undo, str)):
            raise TypeError(f"step {self.step.name} mixes the portal's own acts with commands")
        if commands:
            opened = self.drive.ask(self.row, hostside.script(hostside.OPEN, self.drive.folder))
            if opened.exit_code != 0:
                return _no_folder(opened, self._name())
        self._intend(acts)
        self.sent = True
        return self._start(commands) if commands else self._own(own)

    def _shut(self, sentence: str) -> Verdict:
        """What a gate's refusal comes to: wait for what passes by itself, ask people what they can put right, or turn
        round."""
        if isinstance(sentence, ports.Later):
            return wait(sentence)
        if isinstance(sentence, ports.Asks):
            self.decision = deciding.patience(self.drive)
        return failed(sentence)

    def _intend(self, acts: tuple[Act, ...]) -> None:
        again = self.row.intended_at is not None
        undo = () if isinstance(self.step.undo, str) else self.step.undo(self.drive.parameters)
        words = self.step.undo if isinstance(self.step.undo, str) else ""
        with self.drive.lease.writing():
            RunStep.objects.filter(pk=self.row.pk).update(
                phase=P.INTENT,
                intended_at=Now(),
                deadline=in_seconds(self.step.patience),
                act=frozen(acts),
                undo=frozen(undo),
                no_undo=words,
            )
            self.row.refresh_from_db()
            for line in self.row.act_lines:
                self.drive.note(self.row, f"{'Sent again' if again else 'Sent'}: {line}")
            body = {
                "step": self.row.name,
                "position": self.row.position,
                "attempt": self.row.attempt,
                "act": self.row.act,
                "undo": self.row.undo or words,
                "again": again,
            }
            record.put(self.drive.run, "run.step_intent", "portal", body)

    def _start(self, commands: Sequence[Command]) -> Verdict:
        name = self._name()
        output = self.drive.ask(self.row, hostside.start(self.drive.folder, act_name(self.row), commands))
        if output.exit_code in (hostside.STARTED, hostside.ALREADY):
            self.drive.set(self.row, phase=P.ACTING)
            return wait(f"The command runs on {name}.")
        why = output.error_line() or f"exit code {output.exit_code}"
        if output.exit_code == hostside.CANNOT:
            return failed(f"The command could not be started on {name}: {why}")
        return wait(f"Whether the command has started on {name} is not known ({why}); it is looked up.")

    def _name(self) -> str:
        return self.drive.name_of(self.drive.place(self.row))

    def _own(self, acts: Sequence[Fetch | Work]) -> Verdict:
        """The phase stays at intent until all is done: whoever takes over begins it again."""
        try:
            for act in acts:
                if isinstance(act, Fetch):
                    self._bring(act)
                else:
                    ports.work(act.name)(AtWork(self.drive, self.row))
        except WorkFailed as error:
            return failed(str(error))
        except WorkStopped as error:
            return wait(str(error))
        except OSError as error:
            return failed(f"The portal cannot keep what it should: {error.strerror or error}.")
        self.drive.set(self.row, phase=P.SETTLING)
        return wait("The portal has done its part; the result is looked at.")

    def _bring(self, copy: Fetch) -> None:
        path = self.drive.vault(copy.name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # a name of its own per claim: a worker that lost the Run may still be writing
        part = path.with_name(f".{path.name}.{self.drive.lease.fence}")
        place = self.drive.place(self.row)
        ports.shell_for(place).fetch(place, copy.remote, part)
        self.drive.set(self.row, phase=P.INTENT)  # refused when the lease is lost: then the file is not replaced
        part.replace(path)
        for old in path.parent.glob(f".{path.name}.*"):
            old.unlink(missing_ok=True)


def _no_folder(opened: Output, name: str) -> Verdict:
    why = opened.error_line() or f"exit code {opened.exit_code}"
    if opened.exit_code == hostside.CANNOT:
        return failed(f"No folder can be made on {name} ({why}); nothing was done.")
    return wait(f"Whether the run has its folder on {name} is not known ({why}); nothing was done.")
