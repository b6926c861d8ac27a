# SPDX-License-Identifier: GPL-2.0
"""One lab guest: its QEMU command line and the folder it boots with."""

import os
import shlex
import shutil

import tsc

HERE = os.path.dirname(os.path.abspath(__file__))
LAB_SLOT = 0x1d
FIRST_SLOT = 0x8
SPARE_PORTS = 2
# Boot messages of the whole log go to the serial line; the rest saves time that
# emulation would spend on nothing the lab is about.
CMDLINE = ("console=ttyS0 loglevel=7 panic=-1 nokaslr mitigations=off no_timer_check tsc=reliable random.trust_cpu=on "
           "net.ifnames=0 audit=0 apparmor=0 cryptomgr.notests rcupdate.rcu_cpu_stall_timeout=120")


class Guest:
    """A VM to be: ports, shares and files, then a command line."""

    def __init__(self, lab, opts, name, rundir, sockdir):
        self.lab = lab
        self.opts = opts
        self.name = name
        self.dir = os.path.join(rundir, name)
        self.sock = os.path.join(sockdir, name)
        self.rundir = rundir
        self.args = []
        self.names = []
        self.shares = []
        self.accel = None
        self.tulles = 0
        self.slot = FIRST_SLOT
        self.virtios = 0
        os.makedirs(os.path.join(self.dir, "bin"))
        os.makedirs(self.sock)

    @property
    def console(self):
        return os.path.join(self.rundir, f"console-{self.name}.log")

    def add(self, *args):
        self.args += args

    def root_port(self, ident, name=None):
        """A PCIe slot with AER and native hot plug; windows leave room for virtual functions."""
        chassis = self.slot - FIRST_SLOT + 1
        self.add("-device", f"pcie-root-port,id={ident},bus=pcie.0,addr={self.slot:#x},chassis={chassis},"
                 f"slot={chassis},pref64-reserve=512M,mem-reserve=32M")
        if name:
            self.names.append(f"0000:00:{self.slot:02x}.0={name}")
        self.slot += 1
        return ident

    def mac(self, kind, index):
        number = ord(self.name) - ord("a")
        return f"52:54:00:{kind:02x}:{number:02x}:{index:02x}"

    def tulle(self, backend, sets, pcap=None):
        """One Tulle port; backend is the property that cables it."""
        index = self.tulles
        self.tulles += 1
        port = self.root_port(f"rp{index}", f"tulle{index}")
        model = os.environ.get("TULLE_LAB_NIC", "tulle")
        props = [model, f"id=tulle{index}", f"bus={port}", f"mac={self.mac(0x74, index)}", backend]
        if model == "tulle":
            if pcap:
                props.append("pcap=" + os.path.abspath(pcap).replace(",", ",,"))
            props += sets
        else:
            props.append("romfile=")
        self.add("-device", ",".join(props))

    def nic(self, model, index, props, name):
        """A NIC of another make, for comparison or as a peer."""
        port = self.root_port(f"{name}port", name)
        roms = [] if model == "tulle" else ["romfile="]
        self.add("-device", ",".join([model, f"id={name}", f"bus={port}",
                                      f"mac={self.mac(0x6e, index)}", *roms, *props]))

    def channel(self, name, path=None, more=""):
        """A serial port of the guest named lab.NAME, on a socket that somebody listens on."""
        path = path or os.path.join(self.sock, name)
        self.add("-chardev", f"socket,id=c{name},path={path}{more}",
                 "-device", f"virtserialport,chardev=c{name},name=lab.{name}")
        return path

    def base(self, accel):
        opts = self.opts
        self.accel = accel
        root = os.path.join(self.lab, "root")
        # "rep movsb", which those two flags make the kernel use, is translated
        # byte by byte: without them copies take half the time.
        cpu = "host" if accel == "kvm" else "max,la57=off,-erms,-fsrm,-fsrs,-fzrm"
        machine = "q35,smm=off,vmport=off,sata=off,usb=off,i8042=off,hpet=off"
        if accel == "kvm" and opts.iommu:
            machine += ",kernel-irqchip=split"
        self.args = [
            "-L", f"{root}/usr/share/seabios", "-L", f"{root}/usr/share/qemu",
            "-name", f"tulle-lab-{self.name},debug-threads=on", "-machine", machine,
            "-accel", "tcg,thread=multi,tb-size=1024" if accel == "tcg" else "kvm",
            "-cpu", cpu, "-smp", str(opts.cpus), "-m", opts.memory, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-serial", f"file:{self.console}",
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        ]
        if opts.iommu:
            # Before every device that it shall govern.
            self.add("-device", "intel-iommu,intremap=on,caching-mode=off")
        self.add("-fsdev", f"local,id=lab,path={self.lab},security_model=none,readonly=on,multidevs=remap")
        self.virtio("virtio-9p-pci,fsdev=lab,mount_tag=lab")
        self.virtio("virtio-serial-pci,id=serial,max_ports=16")

    def virtio(self, text):
        """A device of the lab's own, on a PCIe slot and with a promise to keep its state:
        only so does the driver let it live through a suspend."""
        port = f"lab{self.virtios}"
        self.add("-device", f"pcie-root-port,id={port},bus=pcie.0,addr={LAB_SLOT + self.virtios // 8:#x}.{self.virtios % 8},"
                 f"multifunction=on,chassis={200 + self.virtios},slot={200 + self.virtios}",
                 "-device", f"{text},bus={port},romfile=,x-pcie-pm-no-soft-reset=on")
        self.virtios += 1

    def monitor(self):
        """The guest's own way to this QEMU, with no process of the host in between."""
        path = os.path.join(self.sock, "qmp")
        self.add("-chardev", f"socket,id=monitor,path={path},server=on,wait=off",
                 "-mon", "chardev=monitor,mode=control")
        self.channel("qmp", path)
        self.add("-qmp", f"unix:{os.path.join(self.sock, 'host')},server=on,wait=off")

    def count_insns(self, qemu):
        """The plugin listens later than the port dials, hence the second try."""
        path = os.path.join(self.sock, "insns")
        self.add("-plugin", f"{os.path.dirname(qemu)}/plugins/insns.so,socket={path}")
        self.channel("insns", path, ",reconnect-ms=100")

    def share(self, path, writable=False):
        path = os.path.abspath(path)
        tag = f"{'out' if writable else 'share'}{len(self.shares)}"
        mode = "" if writable else ",readonly=on"
        self.add("-fsdev", f"local,id={tag},path={path.replace(',', ',,')},security_model=none{mode},multidevs=remap")
        self.virtio(f"virtio-9p-pci,fsdev={tag},mount_tag={tag}")
        self.shares.append(f"{tag}={path}")

    def spare_ports(self):
        for i in range(SPARE_PORTS):
            index = self.tulles + i
            self.root_port(f"rp{index}", f"tulle{index}")

    def boot(self, kernel, layers):
        """The kernel, and the overlay's layers, topmost first."""
        boot = os.path.join(self.lab, "boot", kernel)
        cmdline = [CMDLINE, f"lab.run={os.path.relpath(self.dir, self.lab)}",
                   "lab.layers=" + ":".join([*layers, "root"])]
        khz = tsc.khz() if self.accel == "tcg" else None
        if khz:
            cmdline.append(f"tsc_early_khz={khz}")
        if self.opts.iommu:
            cmdline.append("intel_iommu=on iommu.strict=1")
        cmdline += self.opts.append
        self.add("-kernel", f"{boot}/kernel", "-initrd", f"{boot}/initramfs", "-append", " ".join(cmdline))

    def files(self, role, command, env):
        """What the guest finds under /lab."""
        guest = os.path.join(HERE, "guest")
        for name in ("mux", "peer", "qmp", "kexec-into", "insns", "freeze"):
            shutil.copy(os.path.join(guest, name), os.path.join(self.dir, "bin", name))
        os.symlink("qmp", os.path.join(self.dir, "bin", "hmp"))
        shutil.copy(os.path.join(guest, "start"), os.path.join(self.dir, "start"))
        env = {
            "LAB_ROLE": role, "LAB_NAMES": " ".join(self.names), "LAB_SHARES": " ".join(self.shares),
            "LAB_PORTS": str(self.tulles), "LAB_HOSTNAME": f"tulle-{self.name}", **env,
        }
        with open(os.path.join(self.dir, "env"), "w", encoding="utf-8") as out:
            for key, value in env.items():
                out.write(f"export {key}={shlex.quote(value)}\n")
        with open(os.path.join(self.dir, "command"), "w", encoding="utf-8") as out:
            if len(command) == 1:
                out.write(f"#!/bin/bash\n{command[0]}\n")
            else:
                out.write(f"#!/bin/bash\nexec {shlex.join(command)}\n")
        os.chmod(os.path.join(self.dir, "command"), 0o755)
