"""What only a person can do or see in a drill: the question, and who answered it, when, with what was seen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from failover.models.drill import Drill


class Prompt(models.Model):
    """One question of one step. Time between the question and its answer is paused time: it is shown, and not charged
    to the recovery time."""

    class Answer(models.TextChoices):
        OPEN = "", "not answered"
        DONE = "done", "done as asked"
        NOT_DONE = "not_done", "not done, or it cannot be done"

    drill = models.ForeignKey(Drill, on_delete=models.CASCADE, related_name="prompts")
    step = models.CharField(max_length=60)
    attempt = models.PositiveIntegerField(default=1)  # of the step: one that is tried again asks anew
    position = models.PositiveIntegerField(default=1)  # within the step
    question = models.TextField()
    asked_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)  # when the step gives up waiting for the answer
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True, default=Answer.OPEN)
    by = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField(null=True, blank=True)
    seen = models.TextField(blank=True)  # what the person saw, in their words
    attachment = models.TextField(blank=True)  # text: a console's lines, a ticket's address

    open = False  # not kept: whether its step still waits for the answer, as a page has looked it up

    class Meta:
        ordering: ClassVar = ["drill", "asked_at", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["drill", "step", "attempt", "position"], name="failover_prompt_asked_once")
        ]

    def __str__(self) -> str:
        return self.question[:60]
