"""Collects figures, prints each as `name value unit ratio`, and says at the end which targets are reached."""
import json
import os

import targets


def rounded(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


class Figures:
    def __init__(self):
        self.values, self.units, self.skipped, self.series, self.facts = {}, {}, {}, {}, []
        self._waiting = []  # names whose target may come to be known later in the same part

    def fact(self, text):
        """Something about the run itself: method, machine, settings."""
        self.facts.append(text)
        print(f"# {text}", flush=True)

    def report(self, name, value, unit):
        self.values[name], self.units[name] = value, unit
        self.skipped.pop(name, None)
        self._waiting.append(name)

    def skip(self, name, reason):
        self.skipped[name] = reason
        print(f"SKIP {name} {reason}", flush=True)

    def keep(self, plot, name, points):
        """Points (x, y) of one line of a plot."""
        self.series.setdefault(plot, {})[name] = points

    def print_waiting(self):
        """At the end of a part, when what it is compared with is known."""
        for name in self._waiting:
            ratio = targets.ratio(self.values, name)
            print(f"{name} {self.values[name]:.5g} {self.units[name]} {'-' if ratio is None else f'{ratio:.2f}'}", flush=True)
        self._waiting = []

    def table(self):
        """Markdown: every target, then every other figure."""
        lines = ["| figure | value | must | then | value / must | reached |", "|---|---|---|---|---|---|"]
        for target in targets.TARGETS:
            must, then = targets.limit(self.values, target.must), targets.limit(self.values, target.then, target.then_factor)
            texts = [f"{text} ({rounded(limit)})" if limit is not None and isinstance(of, str) else text
                     for text, limit, of in ((target.must_text, must, target.must), (target.then_text, then, target.then))]
            if target.name not in self.values:
                lines.append(f"| {target.name} | not measured: {self.skipped.get(target.name, 'its part was not run')} | {texts[0]} | {texts[1]} | - | - |")
                continue
            value = self.values[target.name]
            ratio = targets.ratio(self.values, target.name)
            reached = "?" if must is None else "then" if then is not None and target.met(value, then) else "must" if target.met(value, must) else "no"
            lines.append(f"| {target.name} | {rounded(value)} {self.units[target.name]} | {texts[0]} | {texts[1]} | "
                         f"{'-' if ratio is None else f'{ratio:.2f}'} | {reached} |")
        named = {target.name for target in targets.TARGETS}
        lines += ["", "| other figures | value |", "|---|---|"]
        lines += [f"| {name} | {rounded(value)} {self.units[name]} |" for name, value in self.values.items() if name not in named]
        lines += [f"| {name} | not measured: {reason} |" for name, reason in self.skipped.items() if name not in named]
        return "\n".join(lines)

    def write(self, directory):
        """figures.md and figures.json; the plots are made from the latter's series."""
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "figures.md"), "w", encoding="utf-8") as file:
            file.write("\n".join(f"- {fact}" for fact in self.facts) + "\n\n" + self.table() + "\n")
        with open(os.path.join(directory, "figures.json"), "w", encoding="utf-8") as file:
            json.dump({"facts": self.facts, "values": self.values, "units": self.units, "skipped": self.skipped, "series": self.series},
                      file, indent=1)
            file.write("\n")
