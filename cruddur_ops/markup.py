"""Plans, what they came to and what was verified, as HTML for a notebook's cell and for the page of a run.

It needs neither a program nor another file, and what it says does not depend on colour. Each value is redacted and escaped;
the space around it ends what redaction takes for a secret, so that masking a value never takes a tag away.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from markupsafe import Markup

from cruddur_ops.approvals import SYMBOLS
from cruddur_ops.redaction import MASK, redact
from cruddur_ops.texttable import cell

MARK = "✓"
# It scrolls by itself where the page is narrow, and so takes the focus of a keyboard.
TABLE = Markup("""<div role="group" tabindex="0" aria-label="{title}"><table>
<caption>{title}</caption>
<thead><tr>
{head}
</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
""")
NAMES = ("resource", "setting", "before", "after", "note")
# What a reader must not miss: it interrupts, costs, or cannot be undone.
STRESSED = "warning|interrupt|restart|connections end|stops working|nobody|undone|for good|lost|costs?\\b|billed|USD"
QUOTED = re.compile(r"`([^`]+)`")
WARNING = re.compile(rf"(?i)\b(?:{STRESSED})")
# Colours that let the text's own shine through, so that it reads in light and dark themes alike.
STYLE = Markup("""<style>
.cruddur-ops [role=group] { overflow-x: auto; }
.cruddur-ops table { border-collapse: collapse; margin: .3em 0; min-width: min(100%, 50em); }
.cruddur-ops caption { caption-side: top; text-align: left; font-weight: bold; color: inherit; padding: .3em 0; }
.cruddur-ops th, .cruddur-ops td { text-align: left !important; vertical-align: top; padding: .2em .7em; }
.cruddur-ops tbody th { font-weight: normal !important; }
.cruddur-ops .action { white-space: nowrap; border-left: 4px solid #8888; padding: .1em .5em; background: #8882; }
.cruddur-ops .create { border-left-color: #2da44e; background: #2da44e33; }
.cruddur-ops .change { border-left-color: #d4a72c; background: #d4a72c33; }
.cruddur-ops .delete { border-left-color: #cf222e; background: #cf222e33; }
.cruddur-ops .replace { border-left-color: #8250df; background: #8250df33; }
</style>
""")


def plan(title: str, changes: Sequence[Mapping[str, str | None]], facts: Iterable[str]) -> str:
    """A table with a row for each change, as `Change.shown` has it, and the facts below it."""
    actions = [(change["resource"], change["action"]) for change in changes]
    replaced = {name for name, action in actions if action == "delete"} & {name for name, action in actions if action == "create"}
    names = [name for name in NAMES if any(change[_pair(name)] or change[name] for change in changes)]
    head = Markup("\n").join(Markup('<th scope="col">{}</th>').format(name) for name in ("action", *names))
    rows = Markup("\n").join(_row(change, names, replaced) for change in changes)
    table = (
        TABLE.format(title=_value(title), head=head, rows=rows)
        if changes
        else Markup("<strong>{}</strong>\n").format(_value(title))
    )
    return _block(table + _list(facts))


def verified(text: str) -> str:
    """A mark for each line of what was found to be as it should."""
    mark = Markup('<span class="action create" aria-hidden="true">{}</span>').format(MARK)
    return _block(Markup("<br>\n").join(mark + _value(line) for line in text.splitlines()))


def outcome(counts: Mapping[str, int]) -> str:
    """The counts, in bold where they are not 0."""
    shown = (Markup("<strong>{} {}</strong>" if count else "{} {}").format(count, name) for name, count in counts.items())
    return _block(Markup(", ").join(shown))


def _pair(name: str) -> str:
    """Before and after stand beside each other, or neither does."""
    return {"before": "after", "after": "before"}.get(name, name)


def _row(change: Mapping[str, str | None], names: Sequence[str], replaced: Collection[str | None]) -> Markup:
    action = str(change["action"])
    word = "replace" if change["resource"] in replaced and action != "unchanged" else action.replace("modify", "change")
    first = Markup('<td class="action {}"><span aria-hidden="true">{}</span> {}</td>').format(word, SYMBOLS[action], word)
    return Markup("<tr>\n{}\n{}\n</tr>").format(first, Markup("\n").join(_cell(name, change) for name in names))


def _cell(name: str, change: Mapping[str, str | None]) -> Markup:
    text = change[name] or ""
    if name == "resource":
        return Markup('<th scope="row">{}</th>').format(_value(text))
    if name in ("before", "after"):
        text = _beside(change["setting"] or "", text)
    return Markup("<td>{}</td>").format(_parts(text) if name == "note" else _value(text))


def _parts(note: str) -> Markup:
    """Each in a line of its own."""
    return Markup("<br>").join(map(_told, redact(note).split("; ")))


def _beside(setting: str, value: str) -> str:
    """The value, masked where it would be beside its setting, as in "password = ..."."""
    head, whole = f"{redact(setting)} = ", redact(f"{setting} = {value}")
    return whole.removeprefix(head) if whole.startswith(head) else MASK


def _value(text: str) -> Markup:
    return Markup(" {} ").format(cell(redact(text))) if text else Markup("")


def _told(text: str) -> Markup:
    """A sentence: what stands between backquotes is code."""
    pieces = (
        Markup("<code>{}</code>" if number % 2 else "{}").format(_value(one))
        for number, one in enumerate(QUOTED.split(redact(text)))
    )
    return Markup("<strong>{}</strong>" if WARNING.search(text) else "{}").format(Markup("").join(pieces))


def _list(facts: Iterable[str]) -> Markup:
    items = Markup("\n").join(Markup("<li>{}</li>").format(_told(fact)) for fact in facts)
    return Markup("<ul>\n{}\n</ul>\n").format(items) if items else Markup("")


def _block(body: Markup) -> str:
    return str(Markup('<div class="cruddur-ops mathjax_ignore">\n{}{}</div>').format(STYLE, body))
