# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages, installation and packages.

MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/lbd
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
MAN_PAGES := $(BUILD)/man/lbd.8 $(BUILD)/man/lbctl.1 $(BUILD)/man/lbd.yaml.5
INSTALL ?= install

# lbctl knows its commands and lbd's keys: their pages can't fall behind.
$(BUILD)/man/lbctl.1: $(BUILD)/lbctl
	@mkdir -p $(@D)
	$(BUILD)/lbctl --man > $@

$(BUILD)/man/lbd.yaml.5: packaging/man/lbd.yaml.5.head packaging/man/lbd.yaml.5.tail $(BUILD)/lbctl
	@mkdir -p $(@D)
	{ cat packaging/man/lbd.yaml.5.head && $(BUILD)/lbctl check --keys --man && \
		cat packaging/man/lbd.yaml.5.tail; } > $@

$(BUILD)/man/lbd.8: packaging/man/lbd.8
	@mkdir -p $(@D)
	cp $< $@

$(BUILD)/lbctl.completion: $(BUILD)/lbctl
	$(BUILD)/lbctl --completion > $@

man: $(MAN_PAGES)

# An edited configuration is the operator's: it is never replaced.
install: all man $(BUILD)/lbctl.completion
	$(INSTALL) -D -m 755 $(BUILD)/lbd $(DESTDIR)$(PREFIX)/sbin/lbd
	$(INSTALL) -D -m 755 $(BUILD)/lbctl $(DESTDIR)$(PREFIX)/bin/lbctl
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/lib/lbd
	$(INSTALL) -m 644 $(BPF_OBJECTS) $(DESTDIR)$(PREFIX)/lib/lbd
	$(INSTALL) -m 755 packaging/keepalived/lbd-notify packaging/package-hook \
		$(DESTDIR)$(PREFIX)/lib/lbd
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)
	sed 's#/usr/sbin/#$(PREFIX)/sbin/#' packaging/systemd/lbd.service \
		> $(DESTDIR)$(UNITDIR)/lbd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/lbd.service
	$(INSTALL) -d -m 755 $(DESTDIR)/etc/lbd
	test -e $(DESTDIR)/etc/lbd/lbd.yaml || \
		$(INSTALL) -m 644 conf/lbd.yaml $(DESTDIR)/etc/lbd/lbd.yaml
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(MANDIR)/man1 $(BUILD)/man/lbctl.1
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(MANDIR)/man5 $(BUILD)/man/lbd.yaml.5
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(MANDIR)/man8 $(BUILD)/man/lbd.8
	$(INSTALL) -D -m 644 $(BUILD)/lbctl.completion $(DESTDIR)$(COMPLETIONDIR)/lbctl
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md CHANGELOG.md
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples $(wildcard conf/*.yaml conf/*.conf)

# The lists of needs come from packaging/dependencies.txt.
deb rpm: deps
	@VERSION=$(VERSION) BUILD=$(BUILD) JOBS=$(JOBS) packaging/build-package $@

.PHONY: man install deb rpm
