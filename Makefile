# SPDX-License-Identifier: Apache-2.0
# Short names for people; Meson does the work (`meson setup build && ninja -C build`).
BUILD ?= build
MESON_FLAGS ?= -Dwerror=true

.PHONY: all demo check faults bench install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/deps build
	@meson setup $(BUILD) $(MESON_FLAGS) >/dev/null

# Casts two golden images, boots the second and proves it.
demo:
	@tools/deps build run
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)/src/ingot

# Every test; ends with `N passed, N failed, N skipped`.
check:
	@tools/deps build run test
	@$(MAKE) --no-print-directory all
	@tools/test $(BUILD)

# Lets each system call of small runs fail in all its ways (docs/internals/faults.md).
faults: all
	@INGOT_FAULTS=all INGOT_BIN=$(abspath $(BUILD))/src/ingot SRCDIR=$(CURDIR) \
		sh tests/cli/0280-fault-walk.sh

# Paired runs against Debian's packer.
bench:
	@tools/deps build run bench
	@$(MAKE) --no-print-directory all
	@tools/bench $(BUILD)/src/ingot

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-san
