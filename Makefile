# SPDX-License-Identifier: GPL-2.0
# make             the modules, for the running kernel or KDIR=
# make help        everything else

KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=
ARGS ?=

RUN := tools/run-tests

.PHONY: all modules modules_install clean help deps firmware demo check-fast \
	check check-all bench install dkms fuzz

all: modules

modules: kernel-tree
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install modules_install: kernel-tree
	$(MAKE) -C $(KDIR) M=$(CURDIR) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install

.PHONY: kernel-tree
kernel-tree:
	@test -f "$(KDIR)/Makefile" || { \
		echo "There is no kernel build tree at $(KDIR)." >&2; \
		echo "Install the headers of that kernel, or name a tree: make KDIR=DIR" >&2; \
		exit 1; }

# What every target below needs on the machine; quick when it is there.
deps:
	@tools/checks/deps.sh

# The device program as a library for host programs: build/firmware/libtullefw.a
firmware: deps
	$(MAKE) -C firmware

demo: deps
	tools/demo

check-fast: deps
	$(RUN) --level fast $(ARGS)

check: deps
	tools/lab setup
	$(RUN) --level check $(ARGS)

check-all: deps
	tools/lab setup all
	$(RUN) --level all --resume $(ARGS)

bench: deps
	tools/lab setup
	tools/bench $(ARGS)
	tools/bench-rdma

dkms: deps
	debian/build-dkms

fuzz: deps
	$(MAKE) -C firmware/test fuzz $(ARGS)

clean:
	@find core en ib include/compat/generated -name '*.o' -o -name '*.ko' -o \
		-name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o \
		-name 'compat_config.h' 2>/dev/null | xargs -r rm -f
	@rm -f Module.symvers modules.order .module-common.o .*.cmd
	@rm -rf build

help:
	@echo 'make [KDIR=DIR]       build the modules for the running kernel, or the one built at DIR'
	@echo 'make install          install them (DESTDIR= stages)'
	@echo 'make firmware         build the device program as a host library'
	@echo 'make demo             from nothing to two Tulle ports passing traffic in a VM (root)'
	@echo 'make check-fast       host tests, static checks, module builds; under 5 minutes'
	@echo 'make check            what continuous integration runs (root)'
	@echo 'make check-all        every suite on every kernel; goes on where it stopped'
	@echo 'make bench            measure against other NICs in the same VM'
	@echo 'make dkms             build the tulle-dkms package'
	@echo 'make fuzz             fuzz the firmware until interrupted'
	@echo 'make deps             install the packages that all of this needs'
	@echo 'make clean            remove what was built'
	@echo 'ARGS= passes options to check, check-all, bench and fuzz.'
