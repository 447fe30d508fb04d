"""``%paglet search grep PATTERN [PATH ...]`` and ``%paglet search find [NAME] [PATH ...]``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.errors import SearchError
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, natural, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.searches import search_html

if TYPE_CHECKING:
    from paglets_nb.agents.search_client import Search

__all__ = ["VERB"]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_ONLY_GREP = "literal word context before after count files_with files_without max_per_file".split()
_ERRORS = 5
_MODES = {"count": "count", "files_with": "files-with", "files_without": "files-without"}


def size(text: str) -> int:
    """Bytes, as a number with or without K, M or G."""
    number, unit = (text[:-1], text[-1:].upper()) if text[-1:].isalpha() else (text, "")
    if not number.isdigit() or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"wants a size like 500, 20K, 3M or 1G, got {text!r}")
    return int(number) * _UNITS[unit]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.plain_words = True
    add = parser.add_argument
    add("what", choices=["grep", "find"], help="lines that match a pattern, or files by name")
    add(
        "pattern",
        metavar="PATTERN",
        nargs="?",
        help="a regular expression, in quotes where it has spaces, $ or {}; of find a glob or a part of the name",
    )
    add("paths", metavar="PATH", nargs="*", help="files and folders on the hosts (default: their working folder)")
    add(
        "--hosts",
        metavar="HOST",
        action="append",
        help="where: HOST[,HOST] or all (default: one host of each machine, since those of one see the same files)",
    )
    add("-i", "--ignore-case", action="store_true", help="letters match in either case")
    add("-S", "--smart-case", action="store_true", help="so they do where the pattern is all lower case")
    add("-F", "--literal", action="store_true", help="the pattern is text, not a regular expression")
    add("-w", "--word", action="store_true", help="only whole words")
    add("-C", "--context", metavar="N", type=natural, help="N lines before and after each hit")
    add("-B", "--before", metavar="N", type=natural, help="N lines before each hit")
    add("-A", "--after", metavar="N", type=natural, help="N lines after each hit")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("-c", "--count", action="store_true", help="how many lines of each file match")
    modes.add_argument("-l", "--files-with", action="store_true", help="only the files with a hit")
    modes.add_argument("--files-without", action="store_true", help="only the files without one")
    add("-t", "--type", metavar="TYPE", action="append", help="only files of this type, e.g. py or md")
    add("-T", "--type-not", metavar="TYPE", action="append", help="no files of this type")
    add("-g", "--glob", metavar="GLOB", action="append", help="only files that match; !GLOB: none that match")
    add("--hidden", action="store_true", help="hidden files and folders too")
    add("--no-ignore", action="store_true", help="files too that .gitignore and its like exclude")
    add("-L", "--follow", action="store_true", help="follow symbolic links")
    add("--max-depth", metavar="N", type=natural, help="folders below a path at most")
    add("--max-size", metavar="SIZE", type=size, help="no larger files, e.g. 500, 20K, 3M")
    add("--max-per-file", metavar="N", type=natural, help="lines of one file at most")
    add("--max-results", metavar="N", type=natural, help="results over all hosts at most (default: 100000)")
    add("--sort", action="store_true", help="in the order of the paths; slower")
    add("--name", metavar="NAME", help="keep the search under this name, to be drained by others too")
    add("--timeout", metavar="SECONDS", type=seconds, help="end after so long (default: 600)")


def _options(session: Session, arguments: Arguments) -> dict[str, Any]:
    """What the arguments say, by the names of the request's fields."""
    from paglets_nb.agents.search_types import SearchMode

    taken = {
        "ignore_case": arguments.ignore_case,
        "smart_case": arguments.smart_case,
        "literal": arguments.literal,
        "word": arguments.word,
        "context": arguments.context,
        "before": arguments.before,
        "after": arguments.after,
        "types": arguments.type,
        "types_not": arguments.type_not,
        "globs": arguments.glob,
        "hidden": arguments.hidden,
        "no_ignore": arguments.no_ignore,
        "follow": arguments.follow,
        "max_depth": arguments.max_depth,
        "max_size_bytes": arguments.max_size,
        "max_per_file": arguments.max_per_file,
        "max_results": arguments.max_results,
        "sort": arguments.sort,
        "name": None if arguments.name is None else str(arguments.name),
        "timeout": arguments.timeout,
    }
    options: dict[str, Any] = {name: value for name, value in taken.items() if value is not None and value is not False}
    for lists in ("types", "types_not", "globs"):
        if lists in options:
            options[lists] = [str(word) for word in options[lists]]
    for name, mode in _MODES.items():
        if getattr(arguments, name):
            options["mode"] = SearchMode(mode)
    if arguments.hosts is None:
        options["one_per_machine"] = True
    else:
        options["targets"] = [host.name for host in session.hosts(arguments.hosts)]
    return options


def _begin(session: Session, arguments: Arguments) -> Search:
    from paglets_nb.agents.search import find, grep

    mesh = session.require_mesh()
    if arguments.pattern is None and arguments.what == "grep":
        raise UsageError("%paglet search grep: wants a PATTERN (see %paglet search --help)")
    if arguments.what == "find":
        for name in _ONLY_GREP:
            if getattr(arguments, name) is not None and getattr(arguments, name) is not False:
                raise UsageError(f"%paglet search find has no --{name.replace('_', '-')}: it looks at names only")
    paths = [str(path) for path in arguments.paths]
    start = find if arguments.what == "find" else grep
    return start(mesh, str(arguments.pattern or "*"), *paths, **_options(session, arguments))


def run(session: Session, arguments: Arguments) -> Search:
    """Search, showing hits as they come; the search, which is a sequence of its hits."""
    search, line = _begin(session, arguments), ProgressLine(session.shell)
    try:
        for _count in search.batches():
            line.tell(repr(search), search_html(search))
    except KeyboardInterrupt:
        search.stop()
        session.say("stopped")
    except SearchError:
        line.update("it found nothing to search")
        raise
    summary = search.summary()
    line.update(f"{summary} ({summary.elapsed:.2f} s)")
    for host in summary.hosts:
        for error in host.errors[:_ERRORS]:
            session.say(f"{host.host}: {error}")
        if host.error_count > _ERRORS:
            session.say(f"{host.host}: and {host.error_count - _ERRORS} more that could not be read")
    return search


VERB = LineVerb(configure, run)
