"""Files that are replaced whole or not at all: a reader has the old content or the new, also after a power cut."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

# what some file systems say that hold files all the same
_CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def write_whole(path: Path, content: bytes) -> None:
    """Give a file this content, or leave it as it was.

    Several processes may do so at once: the content is one of theirs. A process that is killed meanwhile leaves a
    draft behind, which is named `.crumple-….new`. Raises OSError.
    """
    # a name of its own, also for a path whose name is as long as names can be
    draft = path.with_name(f".crumple-{secrets.token_hex(6)}.new")
    try:
        with open(draft, "xb") as file:
            file.write(content)
            file.flush()
            sync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def sync(descriptor: int) -> None:
    """Have the disk keep what an open file holds, where its file system can. Raises OSError where the disk fails."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder last. It is there already, so nothing is an error."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows has no handle on a folder
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
