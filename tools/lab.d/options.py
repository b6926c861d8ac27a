#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The options of tools/lab exec and shell: one place for names, checks and help.

Called alone with "plan ROLE OPTIONS", it prints what the shell part must build.
"""

import argparse
import re
import shlex
import sys

import logcheck

MAX_PORTS = 8
SET = re.compile(r"--set(\d*)(?:=(.*))?$")


class Options(argparse.Namespace):
    """What was asked for."""

    def sets(self, index):
        """Properties of one port: those for every port, then its own."""
        return self.set_all + self.set_one.get(index, [])


def take_sets(argv):
    """--set and --setN are a family; argparse sees the rest."""
    everywhere, single, rest = [], {}, []
    words = iter(argv)
    for word in words:
        match = SET.match(word)
        if word == "--":
            rest += [word, *words]
            break
        if not match:
            rest.append(word)
            continue
        value = match.group(2) if match.group(2) is not None else next(words, "")
        if "=" not in value:
            sys.exit(f"lab: {word} wants PROP=VALUE")
        if match.group(1):
            single.setdefault(int(match.group(1)), []).append(value)
        else:
            everywhere.append(value)
    return everywhere, single, rest


def parser_for(role):
    tail = " -- COMMAND [ARGUMENT...]" if role == "exec" else ""
    parser = argparse.ArgumentParser(
        prog=f"tools/lab {role}", allow_abbrev=False, usage=f"tools/lab {role} [OPTION...]{tail}",
        description="One COMMAND argument is a shell line; several are a command and its arguments.")
    add = parser.add_argument
    add("--kernel", default="7.3", help="7.3 (default), 6.12, 7.3-debug, or a full version from the cache")
    add("--topology", default="pair", choices=["pair", "two", "peer"])
    add("--ports", type=int, metavar="N", help="Tulle ports per guest (default: pair 2, else 1)")
    add("--peer-nic", default="virtio-net-pci", metavar="MODEL", help="the second guest's NIC in topology peer")
    add("--iommu", action="store_true", help="an emulated VT-d in strict mode")
    add("--cpus", type=int, metavar="N", default=4)
    add("--memory", metavar="M", help="as QEMU wants it (default 3G; 4G for a debug kernel)")
    add("--share", action="append", default=[], metavar="DIR", help="DIR at the same path in the guest, read-only")
    add("--out", action="append", default=[], metavar="DIR", help="DIR at the same path in the guest, writable")
    add("--pcap", metavar="FILE", help="records the first port's cable")
    add("--allow-log", action="append", default=[], metavar="REGEX", help="permits kernel log lines that match")
    add("--no-log-check", action="store_true", help="prints bad kernel log lines without failing for them")
    add("--no-leak-check", action="store_true", help="skips the leak scan that ends a run of a debug kernel")
    add("--timeout", type=float, default=0, metavar="S", help="limit for COMMAND, in seconds (default none)")
    add("--boot-timeout", type=float, default=0, metavar="S")
    add("--no-modules", action="store_true", help="builds the modules but lets COMMAND load them")
    add("--nothing", action="store_true", help="neither builds nor offers the modules")
    add("--nic", action="append", default=[], metavar="MODEL[,PROPS]",
        help="another NIC, named nic0, nic1 ..; each two in turn share a hub unless PROPS has netdev=")
    add("--device", action="append", default=[], metavar="ARGS", help="one more -device for QEMU")
    add("--qemu", action="append", default=[], metavar="ARGS", help="further words for QEMU's command line")
    add("--append", action="append", default=[], metavar="WORDS", help="more kernel command line")
    add("--count-insns", action="store_true", help="counts the guest's instructions (the guest helper insns; TCG only)")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="an environment variable for COMMAND")
    add("--console", metavar="FILE", help="a copy of the kernel log")
    add("--quiet", action="store_true", help="no progress on stderr")
    add("command", nargs="*", help=argparse.SUPPRESS)
    return parser


def check(parser, opts, role):
    if role == "exec" and not opts.command:
        parser.error("a COMMAND is missing")
    if opts.ports is None:
        opts.ports = 2 if opts.topology == "pair" else 1
    if not 0 <= opts.ports <= MAX_PORTS:
        parser.error(f"--ports: 0 to {MAX_PORTS}")
    if opts.topology == "pair" and opts.ports % 2:
        parser.error("--ports: cables have two ends, so topology pair takes an even number")
    if opts.cpus < 1:
        parser.error("--cpus is a count")
    for text in opts.env:
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text):
            parser.error(f"--env {text}: not NAME=VALUE")
    for regex in opts.allow_log:
        try:
            logcheck.check_permission(regex)
        except ValueError as err:
            parser.error(str(err))


def parse(role, argv):
    everywhere, single, rest = take_sets(argv)
    parser = parser_for(role)
    opts = parser.parse_args(rest, namespace=Options())
    opts.set_all, opts.set_one = everywhere, single
    check(parser, opts, role)
    if opts.memory is None:
        opts.memory = "4G" if "debug" in opts.kernel else "3G"
    opts.no_modules = opts.no_modules or opts.nothing
    opts.qemu = [word for text in opts.qemu for word in shlex.split(text)]
    return opts


def plan(role, argv):
    """What the shell part asks: the kernel, and whether modules are wanted."""
    opts = parse(role, argv)
    print(f"PLAN_KERNEL={shlex.quote(opts.kernel)}")
    print(f"PLAN_MODULES={0 if opts.nothing else 1}")
    print(f"PLAN_QUIET={int(opts.quiet)}")


if __name__ == "__main__":
    if sys.argv[1] == "help":
        parser_for(sys.argv[2]).print_help()
        sys.exit(0)
    plan(sys.argv[2], sys.argv[3:])
