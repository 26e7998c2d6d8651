# wherry: `make demo` shows it, `make test` proves it, `make install` installs it.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(DESTDIR)$(PREFIX)/bin
# systemd reads its units below /usr/local/lib and /usr/lib alike.
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd
COMPLETIONDIR = $(DESTDIR)$(PREFIX)/share

BUN = node_modules/.bin/bun
SOURCES := $(shell find src -name '*.ts' -not -name '*.test.ts')

.DELETE_ON_ERROR:
.PHONY: all demo deps deps-test deps-vm build check test test-vm test-powercut bench bench-rootless install uninstall clean

all: build

# What is missing on this machine: packages of the distribution, node_modules. Nothing is done when nothing is missing.
deps:
	@tools/install-deps

deps-test:
	@tools/install-deps --test

deps-vm:
	@tools/install-deps --vm

# npm writes this file last.
node_modules/.package-lock.json: package-lock.json
	@tools/install-deps --npm

build: dist/wherry

dist/wherry: $(SOURCES) package.json tsconfig.json | node_modules/.package-lock.json
	@mkdir -p dist
	$(BUN) build --compile --bytecode --minify --splitting --format=esm src/main.ts src/pod/networkThread.ts --outfile $@
	@touch $@

demo: deps build
	@tools/demo

# Types, lint, imports, budgets, unit tests: seconds, no container runs.
check: node_modules/.package-lock.json
	@$(BUN) tools/test.ts check

# Everything, with real containers and a real systemd, in the rooms of CONTRIBUTING.md.
test: deps-test build
	@tools/install-deps --vm || echo 'Without the VM' >&2
	@$(BUN) tools/test.ts check plain+box vm

# On the emulated machine: the box's tests, and of the plain ones some as root (PLAIN="play volumes") and some as an
# ordinary user (ROOTLESS="play pods"). An hour and a half, or more where others work beside it.
test-vm: deps-vm build
	@$(BUN) tools/test.ts vm vm-box vm-plain vm-rootless

# CUTS=30, SEED=: the power fails at random moments, and everything is there again after the next boot. About an hour.
test-powercut: deps-vm build
	@$(BUN) tools/test.ts powercut

bench: deps-test build
	@$(BUN) bench/main.ts

# An ordinary user's wherry beside an ordinary user's Podman, on the emulated machine.
bench-rootless: deps-vm build
	@$(BUN) bench/rootless.ts

# systemd 254 and later start what belongs to a unit in a child of its cgroup, so that pods can live beside it.
SUBGROUP ?= $(shell systemctl --version 2>/dev/null | awk 'NR == 1 && $$2 >= 254 { print "wherry" }')
UNIT = sed -e 's|/usr/local/bin/|$(PREFIX)/bin/|g' $(if $(SUBGROUP),-e '/^Delegate=yes/a DelegateSubgroup=$(SUBGROUP)')

install:
	@test -x dist/wherry || { echo 'Cannot install "dist/wherry": it has not been built, run "make build" first' >&2; exit 1; }
	install -D -m 0755 dist/wherry $(BINDIR)/wherry
	install -d $(UNITDIR)/system $(UNITDIR)/user
	for unit in units/*.service; do $(UNIT) $$unit >$(UNITDIR)/system/$${unit##*/} || exit 1; done
	for unit in units/user/*.service; do $(UNIT) $$unit >$(UNITDIR)/user/$${unit##*/} || exit 1; done
	install -d $(COMPLETIONDIR)/bash-completion/completions $(COMPLETIONDIR)/zsh/site-functions $(COMPLETIONDIR)/fish/vendor_completions.d
	dist/wherry completion bash >$(COMPLETIONDIR)/bash-completion/completions/wherry
	dist/wherry completion zsh >$(COMPLETIONDIR)/zsh/site-functions/_wherry
	dist/wherry completion fish >$(COMPLETIONDIR)/fish/vendor_completions.d/wherry.fish
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

uninstall:
	rm -f $(BINDIR)/wherry $(UNITDIR)/system/wherry@.service $(UNITDIR)/user/wherry@.service
	rm -f $(COMPLETIONDIR)/bash-completion/completions/wherry $(COMPLETIONDIR)/zsh/site-functions/_wherry $(COMPLETIONDIR)/fish/vendor_completions.d/wherry.fish
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

clean:
	rm -rf dist .cache
