# SPDX-License-Identifier: GPL-2.0
"""What the benchmarks share: figures from a guest, medians, a plot."""

import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.environ.get("TULLE_LAB", os.path.expanduser("~/.cache/tulle-lab"))


def measure(command):
    """Runs a command that prints a line of JSON per figure; {nic: {metric: [values]}}."""
    values = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        for line in lab.stdout:
            try:
                row = json.loads(line)
                value = float(row["value"])
            except (ValueError, KeyError, TypeError):
                print(f"# {line.rstrip()}", file=sys.stderr)
                continue
            print(f"# {row['nic']:16} {row['metric']:18} {value:12.3f}", file=sys.stderr, flush=True)
            values.setdefault(row["nic"], {}).setdefault(row["metric"], []).append(value)
    if lab.returncode:
        sys.exit(f"bench: the lab failed with status {lab.returncode}")
    return values


def medians(values):
    return {nic: {metric: statistics.median(seen) for metric, seen in rows.items()} for nic, rows in values.items()}


def stem(folder, name=""):
    """Where this run's files go, without suffix."""
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, time.strftime("%Y%m%d-%H%M%S") + name)


def plot(result, metrics, path):
    """Bars of Tulle's ratio to every peer; metrics are (name, is more better); gnuplot draws."""
    peers = [nic for nic in result if nic != "tulle"]
    rows = []
    for name, more in metrics:
        cells = []
        for nic in peers:
            ours, theirs = result["tulle"].get(name), result[nic].get(name)
            ratio = (ours / theirs if more else theirs / ours) if ours and theirs else 0
            cells.append(f"{ratio:.3f}")
        rows.append(f"{name.replace('_', '-')} " + " ".join(cells))
    columns = ", ".join(f"$data using {i + 2}:xtic(1) title '{nic}'" for i, nic in enumerate(peers))
    script = ("set terminal svg size 900,450\n" f"set output '{path}'\n"
              "set style data histogram\nset style fill solid 0.8\nset grid ytics\nset xtics rotate by -30\n"
              "set ylabel 'Tulle, times better'\nset yrange [0:*]\n"
              "$data << EOD\n" + "\n".join(rows) + "\nEOD\n" f"plot {columns}, 1 notitle lc 'black'\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
