"""One bar chart a figure, as plain SVG. SPDX-License-Identifier: Apache-2.0"""
import html
import math

from harness.report import number

WIDTH, LABEL, VALUE, BAR, GAP, TOP, BOTTOM = 760, 230, 110, 24, 10, 64, 34
OURS, REACHED, OTHERS, INK, RULE = "#b35c00", "#1b7f4d", "#7d8fa3", "#1f2933", "#c81e1e"


def scale_of(values):
    """Linear, or logarithmic when the values are too far apart to be seen beside each other."""
    positive = [value for value in values if value > 0]
    top = max(positive, default=1)
    room = WIDTH - LABEL - VALUE
    if positive and top / min(positive) > 50:
        floor = 10 ** math.floor(math.log10(min(positive)))
        decades = math.log10(top / floor)
        return "log scale", lambda value: room * max(0.0, math.log10(max(value, floor) / floor)) / decades
    return "", lambda value: room * value / top


def text(x, y, content, size=13, anchor="start", fill=INK, weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-weight="{weight}">{html.escape(content)}</text>')


def draw(figure, subtitle):
    rows = [("Traccia", figure.value, REACHED if figure.met else OURS)]
    rows += [(peer, value, OTHERS) for peer, value in figure.peers.items()]
    values = [value for _, value, _ in rows] + ([figure.reach] if figure.reach else [])
    kind, place = scale_of(values)
    height = TOP + len(rows) * (BAR + GAP) + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           text(12, 22, figure.title, 15, weight="bold"),
           text(12, 42, ", ".join(part for part in (figure.unit, f"{figure.better} is better", kind, figure.note,
                                                    subtitle) if part), 11, fill="#52606d")]
    for i, (label, value, colour) in enumerate(rows):
        y = TOP + i * (BAR + GAP)
        out.append(text(LABEL - 8, y + 17, label, 12, "end"))
        out.append(f'<rect x="{LABEL}" y="{y}" width="{max(1.0, place(value)):.1f}" height="{BAR}" fill="{colour}"/>')
        out.append(text(LABEL + place(value) + 6, y + 17, number(value), 12))
    if figure.reach:
        x = LABEL + place(figure.reach)
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - BOTTOM + 4}" stroke="{RULE}" '
                   'stroke-dasharray="4 3"/>')
        out.append(text(x, height - BOTTOM + 18, f"to reach: {number(figure.reach)}", 11, "middle", RULE))
    return "\n".join(out + ["</svg>", ""])


def write(figures, folder, subtitle):
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        (folder / f"{figure.name}.svg").write_text(draw(figure, subtitle), encoding="utf-8")
