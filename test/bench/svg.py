"""Plots as SVG, drawn by hand: lines over a linear or logarithmic axis, and bars."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 50, 60
COLOURS = ("#1f5fa8", "#c8502d", "#4a8f3c", "#8a5aa8", "#b08a1e", "#555555")
FONT = 'font-family="sans-serif" font-size="13"'


def text(x, y, content, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT} fill="#222" {extra}>{escape(content)}</text>'


def line(x1, y1, x2, y2, colour="#ddd", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def short(value):
    """1500000 as 1.5M, 20000 as 20k."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.3g}"


def linear_ticks(low, high):
    step = 10 ** math.floor(math.log10((high - low) / 4 or 1))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= 6)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low, high):
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(decades) > 3 else (1, 2, 5)
    return [factor * 10 ** decade for decade in decades for factor in factors if low <= factor * 10 ** decade * 1.0001 and factor * 10 ** decade <= high * 1.0001]


class Axis:
    def __init__(self, values, begin, end, logarithmic=False, from_zero=False):
        self.low, self.high = min(values), max(values)
        if from_zero:
            self.low = 0
        if self.low == self.high:
            self.low, self.high = (self.low / 2, self.high * 2) if logarithmic else (self.low - 1, self.high + 1)
        self.begin, self.end, self.map = begin, end, math.log10 if logarithmic else float
        self.ticks = (log_ticks if logarithmic else linear_ticks)(self.low, self.high)

    def at(self, value):
        low, high = self.map(self.low), self.map(self.high)
        return self.begin + (self.end - self.begin) * (self.map(value) - low) / (high - low)


def document(title, parts, height=HEIGHT):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
                      f'<rect width="{WIDTH}" height="{height}" fill="white"/>', text(WIDTH / 2, 24, title, extra='font-weight="bold"'), *parts, "</svg>", ""])


def lines(title, series, x_label, y_label, log_x=False):
    """series: {name: [(x, y), ...]}; the y axis begins at zero."""
    x = Axis([point[0] for points in series.values() for point in points], LEFT, WIDTH - RIGHT, log_x)
    y = Axis([point[1] for points in series.values() for point in points], HEIGHT - BOTTOM, TOP, from_zero=True)
    parts = []
    for tick in y.ticks:
        parts += [line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick)), text(LEFT - 8, y.at(tick) + 4, short(tick), "end")]
    for tick in x.ticks:
        parts += [line(x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM), text(x.at(tick), HEIGHT - BOTTOM + 18, short(tick))]
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 20, x_label),
              text(20, (TOP + HEIGHT - BOTTOM) / 2, y_label, extra=f'transform="rotate(-90 20 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"')]
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x.at(px):.1f},{y.at(py):.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) < 20:
            parts += [f'<circle cx="{x.at(px):.1f}" cy="{y.at(py):.1f}" r="3.5" fill="{colour}"/>' for px, py in points]
        parts += [line(WIDTH - 190, HEIGHT - BOTTOM - 20 - 18 * i, WIDTH - 165, HEIGHT - BOTTOM - 20 - 18 * i, colour, 3),
                  text(WIDTH - 158, HEIGHT - BOTTOM - 16 - 18 * i, name, "start")]
    return document(title, parts)


def bars(title, panels):
    """panels: {label: [(name, value), ...]}, side by side, a bar for each name."""
    names = [name for name, _ in next(iter(panels.values()))]
    step, label_width = 34, 90
    height = TOP + 40 + step * len(names) + 20
    panel_width = (WIDTH - label_width - RIGHT) / len(panels)
    parts = [text(label_width - 10, TOP + 40 + step * i + 20, name, "end") for i, name in enumerate(names)]
    for p, (label, values) in enumerate(panels.items()):
        left = label_width + p * panel_width
        scale = (panel_width - 80) / max(max(value for _, value in values), 1e-9)
        parts.append(text(left, TOP + 24, f"{label}: {short(sum(value for _, value in values))} in all", "start"))
        for i, (_, value) in enumerate(values):
            top = TOP + 40 + step * i
            parts += [f'<rect x="{left:.1f}" y="{top + 5}" width="{max(value * scale, 0.5):.1f}" height="22" fill="{COLOURS[p]}"/>',
                      text(left + max(value * scale, 0) + 6, top + 21, short(value), "start")]
    return document(title, parts, height)
