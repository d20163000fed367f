"""Answers that take long are begun before they are asked for, two at a time, while the tests look at earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

Tool = TypeVar("Tool")
Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


def parameters_of(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and parameters of each test of this module that is to be run and uses the fixture of this request."""
    for item in request.session.items:
        here = isinstance(item, pytest.Function) and item.module is request.module
        if here and request.fixturename in item.fixturenames:
            yield item.originalname, item.callspec.params


@contextmanager
def ahead(
    questions: Sequence[Question], ask: Callable[[Tool, Question], Answer], *, tools: Sequence[Tool]
) -> Iterator[Callable[[Question], Answer]]:
    """A function that gives the answer to one of the questions, or raises what asking raised.

    tools: one for each question that is asked at the same time; none is used twice at once.
    """
    free = list(tools)

    def answer(question: Question) -> Answer:
        tool = free.pop()
        try:
            return ask(tool, question)
        finally:
            free.append(tool)

    with ThreadPoolExecutor(len(tools)) as pool:
        coming = {question: pool.submit(answer, question) for question in dict.fromkeys(questions)}
        try:
            yield lambda question: coming[question].result(timeout=300)
        finally:
            pool.shutdown(cancel_futures=True)
