"""Statistics, table and JSON of what the peers script measured.

A row is one work against one mode of one peer. Its ratio is how many times as
long the peer takes, the median over repeats of the ratio within a repeat; its
spread is the ratios' interquartile range.
"""

import json
import statistics

# Repeats that all modes take part in, and how far behind the best a mode must
# be to be left out of the rest.
SCREENING_REPEATS = 3
HOPELESS = 1.5


def quartiles(values):
    """First and third; of one value, itself twice."""
    if len(values) == 1:
        return [values[0], values[0]]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return [first, third]


def make_row(names, pairs):
    """`pairs` are (ours_ms, peer_ms) of each repeat; `names` are fields."""
    ratios = [peer / ours for ours, peer in pairs]
    row = dict(names)
    row["ours_ms"] = round(statistics.median(o for o, _ in pairs), 4)
    row["peer_ms"] = round(statistics.median(p for _, p in pairs), 4)
    row["ratio"] = round(median_ratio(pairs), 3)
    row["repeats"] = len(pairs)
    row["spread"] = [round(q, 3) for q in quartiles(ratios)]
    return row


def median_ratio(pairs):
    return statistics.median(peer / ours for ours, peer in pairs)


def still_in_play(pairs):
    """Keys of `pairs` (key -> pairs) that may yet be the best. By ratios: they
    hold while the machine's speed does not."""
    medians = {key: median_ratio(some) for key, some in pairs.items() if some}
    best = min(medians.values(), default=0)
    return [key for key, ratio in medians.items() if ratio <= HOPELESS * best]


def mark_best(rows):
    """Sets "best" on the mode of each work, thread count and peer that is
    nearest to ours."""
    best = {}
    for row in rows:
        key = (row["work"], row["threads"], row["peer"], row["peer_version"])
        if key not in best or row["ratio"] < best[key]["ratio"]:
            best[key] = row
    for row in rows:
        row["best"] = any(row is other for other in best.values())
    return rows


_COLUMNS = (
    ("work", lambda r: r["work"]),
    ("threads", lambda r: str(r["threads"])),
    ("ours ms", lambda r: "%.3f" % r["ours_ms"]),
    ("peer", lambda r: ("%s %s" % (r["peer"], r["peer_version"])).strip()),
    ("mode", lambda r: r["mode"]),
    ("peer ms", lambda r: "%.3f" % r["peer_ms"]),
    ("ratio", lambda r: "%.2f%s" % (r["ratio"], "*" if r["best"] else " ")),
    ("quartiles", lambda r: "%.2f..%.2f" % tuple(r["spread"])),
    ("repeats", lambda r: str(r["repeats"])),
)


def table(rows):
    """Text; the best mode of each peer has a star at its ratio."""
    cells = [[title for title, _ in _COLUMNS]]
    cells += [[cell(row) for _, cell in _COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells)
              for i in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(text.ljust(width)
                  for text, width in zip(line, widths)).rstrip()
        for line in cells)


def write_json(rows, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
