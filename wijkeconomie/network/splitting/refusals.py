"""What taking over the bills of a small group refuses."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class SplitFileUnreadableError(DomainError):
    """The file is no export of IHateMoney (JSON, CSV) or Splitwise (CSV), or is too large."""

    code = "split-file-unreadable"
    title = "The file with bills cannot be read"


class SplitImportDoneError(DomainError):
    """These bills are in the books already, or the file was given up; upload it anew."""

    code = "split-import-done"
    title = "These bills were booked already"


class SplitPeopleUnknownError(DomainError):
    """Nobody was named for some people of the file; the context tells whom."""

    code = "split-people-unknown"
    title = "It is not known who some people are"
