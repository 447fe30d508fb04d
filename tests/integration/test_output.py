"""What paglets print: in the cell that asked, in their own place, and never mixed up."""

from __future__ import annotations

from tests.integration.notebook_kernel import NotebookKernel

PAGLETS = """
import sys, threading, time
from dataclasses import dataclass
from IPython.display import display
from paglets_nb import Mesh, OperationClient, OperationPaglet, Paglet, PagletState, ServiceOperation, TaskPaglet
from paglets_nb.mesh.outputs import paglet_log

@dataclass(frozen=True)
class Say:
    word: str = ""
    times: int = 1

@dataclass(frozen=True)
class Said:
    times: int = 0

SAY, PICTURE, LATER = ServiceOperation("say", Say, Said), ServiceOperation("picture", Say, Said), \\
    ServiceOperation("later", Say, Said)

class Speaker(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {SAY: self.say, PICTURE: self.picture, LATER: self.later}
    def say(self, request):
        for number in range(request.times):
            print(request.word, number, end=" ")
            time.sleep(0.0005)
            print("end")
        return Said(request.times)
    async def later(self, request):
        import anyio
        await anyio.sleep(0.05)
        print("async", request.word)
        return Said(1)
    def picture(self, request):
        display({"text/html": f"<b>{request.word}</b>", "text/plain": request.word}, raw=True)
        return Said(1)
    def handle_message(self, message):
        if message.kind == "fail":
            raise ValueError("oh no")
        return super().handle_message(message)

class Runner(Paglet[PagletState]):
    def run(self):
        print("from run()")
        raise RuntimeError("run failed")
"""


def test_each_paglets_output_in_its_own_place(shared_notebook: NotebookKernel) -> None:
    """Prints of handlers, async ones and ``run()``, displays and tracebacks, also across a move."""
    run = shared_notebook.run
    run(PAGLETS).check()
    run("one, two = (mesh.create(Speaker, on='alpha', name=name) for name in ('one', 'two'))").check()
    both = run(
        "futures = [OperationClient(p).submit(SAY, Say(p.name, 100)) for p in (one, two)]\n"
        "assert [f.get_reply(20).times for f in futures] == [100, 100]"
    )
    lines = both.check().stdout.splitlines()
    assert sorted(lines) == sorted(f"{name} {number} end" for name in ("one", "two") for number in range(100))
    own = run("print(set(l.split()[0] for l in paglet_log(one).text().splitlines()), len(paglet_log(one)))")
    assert own.check().stdout == "{'one'} 100\n"

    run("two.dispatch('beta')").check()
    run("OperationClient(two).call(LATER, Say('here')); OperationClient(two).call(PICTURE, Say('p'))").check()
    told = run("print([(p.kind, p.text, p.host) for p in paglet_log(two).pieces()[-2:]])").check().stdout
    assert told == "[('stdout', 'async here\\n', 'beta'), ('display', 'p\\n', 'beta')]\n"

    failed = run("two.send('fail')")
    assert (failed.ename, failed.stderr) == ("ValueError", "")
    unseen = run("two.send_oneway('fail'); paglet_log(two).wait(paglet_log(two).version, 5)")
    assert "ValueError: oh no" in unseen.check().stderr
    assert run("print(paglet_log(two).text().count('oh no'))").check().stdout == "4\n"

    ran = run("runner = mesh.create(Runner, on='beta'); paglet_log(runner).wait(1, 5)").check()
    assert "from run()" in ran.stdout
    assert "RuntimeError: run failed" in ran.stderr
