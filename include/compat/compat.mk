# SPDX-License-Identifier: GPL-2.0
# Included by the top Kbuild: answers the probes for the target tree before any
# object is compiled. Cleaning needs no answers.

ifeq ($(filter %Makefile.clean,$(MAKEFILE_LIST)),)
compat-answer := $(shell $(CONFIG_SHELL) $(src)/include/compat/probe.sh \
	$(src)/include/compat/generated $(CC) $(NOSTDINC_FLAGS) $(LINUXINCLUDE) \
	$(KBUILD_CPPFLAGS) $(KBUILD_CFLAGS) -DMODULE)
ifneq ($(compat-answer),ok)
$(error Tulle: probing the kernel failed: $(compat-answer))
endif
endif
