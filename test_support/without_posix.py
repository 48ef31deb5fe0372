"""Run a command of ours as on Windows, as far as another system can: python -m test_support.without_posix SCRIPT …

SCRIPT is `oneup-pinterest` or `source-oneup-pinterest`. Our modules see `os.name == "nt"`, cannot import the modules
that Windows lacks, and find no function or signal that it lacks. Paths stay those of this system. Other packages see
the system as it is, because on Windows they are other files.
"""

import builtins
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

OURS = ("oneup_pinterest", "source_oneup_pinterest")
MISSING_MODULES = ("crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios")
# module → names that it has only on other systems
MISSING_NAMES = {
    "os": r"chown|chroot|confstr|ctermid|f?chmodat|fch(?:mod|own)|fdatasync|fork(?:pty)?|fpathconf|fstatvfs"
    r"|get(?:egid|euid|gid|groups|grouplist|loadavg|pgid|pgrp|priority|resgid|resuid|sid|uid|xattr)|killpg|lch\w+"
    r"|listxattr|lockf|major|makedev|memfd_create|minor|mkfifo|mknod|nice|openpty|pathconf|pidfd_open|posix_\w+"
    r"|p(?:read|write)v?|readv|register_at_fork|removexattr|sched_\w+|sendfile|set(?:egid|euid|gid|groups|pgid|priority"
    r"|regid|resgid|resuid|reuid|sid|uid|xattr)|splice|statvfs|sync|sysconf|tc[gs]etpgrp|ttyname|uname|wait[34]?|waitid"
    r"|writev|EX_\w+|W[A-Z]+|O_(?:ASYNC|CLOEXEC|DIRECT\w*|NOATIME|NOCTTY|NOFOLLOW|NONBLOCK|PATH|SYNC|TMPFILE)",
    "signal": r"SIG(?!ABRT|FPE|ILL|INT|SEGV|TERM|_DFL|_IGN)[A-Z]\w*|alarm|[gs]etitimer|pause|pthread_\w+"
    r"|sig(?:interrupt|pending|timedwait|wait\w*)|ITIMER_\w+",
    "select": r"e?poll|kqueue",
    "socket": r"AF_UNIX|sendmsg_afalg|send_fds|recv_fds",
    "time": r"tzset|pthread_getcpuclockid|clock_[gs]ettime\w*",
}


def hide_posix() -> None:
    """Hide from our modules what Windows lacks; must run before they are imported."""
    really_import = builtins.__import__
    reduced = {name: _without(importlib.import_module(name), names) for name, names in MISSING_NAMES.items()}
    vars(reduced["os"])["name"] = "nt"

    def hiding_import(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if str((globals or {}).get("__name__")).partition(".")[0] in OURS and level == 0:
            if name in MISSING_MODULES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            top = name.partition(".")[0]
            if top in reduced and (name == top or not fromlist):
                return reduced[top]
        return really_import(name, globals, locals, fromlist, level)

    builtins.__import__ = hiding_import


def _without(module: ModuleType, names: str) -> ModuleType:
    reduced = ModuleType(module.__name__)
    vars(reduced).update({name: value for name, value in vars(module).items() if not re.fullmatch(names, name)})
    return reduced


def main() -> None:
    """Run the script of the command line."""
    hide_posix()
    del sys.argv[0]
    if sys.argv[0] == "oneup-pinterest":
        from oneup_pinterest.cli import main as run_command

        run_command()
    else:
        from source_oneup_pinterest.run import run

        run()


if __name__ == "__main__":
    main()
