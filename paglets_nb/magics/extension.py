"""What ``%load_ext paglets_nb`` installs in a shell, and takes away again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from IPython.core.completer import CompletionContext, MatcherResult, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import needs_local_scope, no_var_expand

from paglets_nb.core.turns import default_origin
from paglets_nb.magics.boundary import did_you_mean, readable_errors
from paglets_nb.magics.cells import CELL_VERBS, load_cell_verb
from paglets_nb.magics.completion import LineCompleter
from paglets_nb.magics.deadline import Deadline
from paglets_nb.magics.formatting import Formatting
from paglets_nb.magics.parser import CellVerb, HelpShown, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import Word, split_line
from paglets_nb.magics.verbs import LINE_VERBS, load_line_verb
from paglets_nb.mesh.sinks import set_shell

__all__ = ["Extension", "load", "unload"]

MAGIC = "paglet"
_loaded: weakref.WeakKeyDictionary[Any, Extension] = weakref.WeakKeyDictionary()


class Extension:
    """The magics of one shell.

    Args:
        shell: an IPython shell, of a kernel or of a terminal.

    Attributes:
        session: what the magics share.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.session = Session(shell)
        show = self.session.show_task, self.session.show_live, self.session.show_unless_seen
        self._formatting = Formatting(shell.display_formatter, *show)
        self.session.register_picture = self._formatting.add_reply
        completer = LineCompleter(self.session)

        @context_matcher(identifier="paglets_nb")  # type: ignore[untyped-decorator]
        def matcher(context: CompletionContext) -> MatcherResult:
            return completer.match(context)

        self._matcher = matcher

    def install(self) -> None:
        """Add the magics, the completion, the pictures and the hook before each cell."""
        shell = self._shell

        @needs_local_scope
        @no_var_expand
        def paglet(line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
            """A mesh of kernels and the paglets on it; ``%paglet --help`` lists the verbs."""
            with readable_errors(shell.user_ns):
                value = self.run(line, cell, local_ns)
            return None if (line if cell is None else cell).rstrip().endswith(";") else value

        shell.register_magic_function(paglet, magic_kind="line_cell", magic_name=MAGIC)
        shell.Completer.custom_matchers.append(self._matcher)
        self._formatting.install()
        shell.events.register("pre_run_cell", self.session.on_cell)
        shell.events.register("post_run_cell", self.session.after_cell)
        if hasattr(shell, "set_thread_parent"):
            set_shell(shell)
        self.session.on_cell()

    def remove(self) -> None:
        """Stop the mesh, or let it go where it may go on, and take everything away."""
        shell = self._shell
        try:
            self.session.release_mesh()
        finally:
            shell.events.unregister("pre_run_cell", self.session.on_cell)
            shell.events.unregister("post_run_cell", self.session.after_cell)
            for kind in ("line", "cell"):
                shell.magics_manager.magics[kind].pop(MAGIC, None)
            if hasattr(shell.magics_manager.user_magics, MAGIC):
                delattr(shell.magics_manager.user_magics, MAGIC)
            if self._matcher in shell.Completer.custom_matchers:
                shell.Completer.custom_matchers.remove(self._matcher)
            self._formatting.remove()
            set_shell(None)
            default_origin.cell = ""

    def run(self, line: str, cell: str | None, local_ns: dict[str, Any] | None) -> Any:
        """Run one magic.

        Args:
            line: what stands behind ``%paglet``.
            cell: the cell's text, for ``%%paglet``.
            local_ns: names that go before the notebook's.

        Raises:
            UsageError: a mistake in the line.
        """
        session = self.session
        session.spoke = True
        session.namespace = {**self._shell.user_ns, **(local_ns or {})}
        words = split_line(line, session.namespace)
        try:
            if cell is None:
                return self._run_line(words)
            return self._run_cell(words, cell)
        except HelpShown as shown:
            session.say(shown.text.rstrip())
            return None
        finally:
            session.namespace, session.deadline = self._shell.user_ns, Deadline()

    def _run_line(self, words: list[Word]) -> Any:
        if not words or words[0] in ("-h", "--help", "help"):
            raise HelpShown(overview())
        name = str(words[0])
        if name in CELL_VERBS and name not in LINE_VERBS:
            if any(word in ("-h", "--help") for word in words[1:]):
                self._run_cell(words, "")
            raise UsageError(f"{name!r} takes a cell: write %%paglet {name} as the cell's first line")
        if name not in LINE_VERBS:
            raise UsageError(f"unknown verb {name!r}{did_you_mean(name, LINE_VERBS)} (%paglet --help lists them)")
        verb = load_line_verb(name)
        parser = VerbParser(f"%paglet {name}", LINE_VERBS[name], fields=verb.fields)
        verb.configure(parser)
        arguments = parser.parse_words(words[1:])
        self.session.deadline = Deadline(getattr(arguments, "timeout", None))
        return self._interruptible(verb, lambda: verb.run(self.session, arguments))

    def _run_cell(self, words: list[Word], cell: str) -> Any:
        if not words or words[0] in ("-h", "--help", "help"):
            raise HelpShown(overview())
        name = str(words[0])
        if name not in CELL_VERBS:
            if name in LINE_VERBS:
                raise UsageError(f"{name!r} takes no cell; write %paglet {name}")
            raise UsageError(f"unknown verb {name!r}{did_you_mean(name, CELL_VERBS)} (%%paglet --help lists them)")
        verb = load_cell_verb(name)
        parser = VerbParser(f"%%paglet {name}", CELL_VERBS[name], fields=verb.fields)
        verb.configure(parser)
        arguments = parser.parse_words(words[1:])
        self.session.deadline = Deadline(getattr(arguments, "timeout", None))
        return self._interruptible(verb, lambda: verb.run(self.session, arguments, cell))

    @staticmethod
    def _interruptible(verb: LineVerb | CellVerb, run: Callable[[], Any]) -> Any:
        """Run a verb; what the stop button did to it is told in the verb's own words."""
        try:
            return run()
        except KeyboardInterrupt:
            raise UsageError(f"interrupted; {verb.interrupted}") from None


def overview() -> str:
    """Every verb with what it does."""
    lines = ["%paglet VERB ...", ""]
    lines += [f"  {name:<10} {summary}" for name, summary in LINE_VERBS.items()]
    lines += ["", "%%paglet VERB ... with a cell below", ""]
    lines += [f"  {name:<10} {summary}" for name, summary in CELL_VERBS.items()]
    lines += ["", "%paglet VERB --help tells more of a verb."]
    return "\n".join(lines)


def load(shell: Any) -> None:
    """Install the magics in a shell; nothing happens where they are installed already."""
    if shell not in _loaded:
        extension = Extension(shell)
        extension.install()
        _loaded[shell] = extension


def unload(shell: Any) -> None:
    """Take the magics away from a shell, and end their mesh."""
    extension = _loaded.pop(shell, None)
    if extension is not None:
        extension.remove()
