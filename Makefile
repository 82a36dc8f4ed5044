# Everything a user or developer does, each with its set-up. 'make help' explains.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Home Assistant has a Python and an environment of its own: it pins every package that it uses.
PYTHON313 ?= python3.13
HASS_VENV := $(VENV)-homeassistant
ONNX_VENV := $(VENV)-onnx
BACKENDS_VENV := $(VENV)-backends
LANDMARKS_VENV := $(VENV)-landmarks
TEST_VENV := $(VENV)-test

# Where the labelled faces are; docs/training.md says where to get them.
export DATA ?= data
FER2013 ?= $(DATA)/fer2013.tar.gz
FERPLUS ?= $(DATA)/fer2013new.csv
# What is trained; its models, NAME.keras, become the shipped bundles NAME.
RECIPE  ?= train/recipes/emotion.toml
NAME    := $(or $(shell sed -n '/^name *=/{s/.*"\(.*\)".*/\1/p;q}' "$(RECIPE)" 2>/dev/null),$(shell basename "$(RECIPE)" .toml))
RUN     := runs/$(NAME)
# The face meshes of FER2013, for the recipes of landmarks.
export LANDMARKS ?= runs/landmarks/fer2013.npz
# Its models, if none is missing: each has a report, which was written before it.
REPORTS := $(wildcard $(RUN)/$(NAME).json $(RUN)/$(NAME)-*.json)
MODELS  := $(if $(filter-out $(wildcard $(RUN)/*.keras),$(REPORTS:.json=.keras)),,$(REPORTS:.json=.keras))
# The weights of it that are kept, from which 'convert' makes models where nothing was trained.
WEIGHTS := train/weights/$(NAME).npz
# Where its bundles go.
INTO    ?= edge/models
# A model of somebody else's to convert instead, and where its bundle goes: it replaces no shipped one.
MODEL   ?=
BUNDLE  ?= runs/bundles/$(shell name=$$(basename "$(MODEL)"); test -d "$(MODEL)" && echo "$$name" || echo "$${name%.*}")
# What is compared, as the shell reads it.
BUNDLES ?= edge/models/*.tflite runs/bundles/*.tflite
# Another detector to compare with, from MediaPipe's wheel; 'blazeface' gets it.
BLAZEFACE := runs/blazeface/face_detection_short_range.tflite
# What bench-clips compares on, as the shell reads it, and how long on each.
CLIPS ?= "$(DATA)"/clips/*
SECONDS ?= 30
# How long test-fuzz runs, in seconds.
FUZZ_S  ?= 3600
# How large a fleet is played, against what (mosquitto, cluster), and for how long it rests.
BROKER  ?= mosquitto
DEVICES ?= $(if $(filter cluster,$(BROKER)),100,1000)
REST    ?= 60

# What 'image' is for, and what builds it.
ARCH    ?= $(shell dpkg --print-architecture 2>/dev/null || echo amd64)
BUILDER ?= $(shell command -v podman || command -v buildah || command -v docker)

EXTRAS := demo lsl plot test train train-gpu tune tensorboard convert picamera2

.PHONY: help release deb image run install uninstall purge rollback bench train landmarks convert convert-run cards blazeface bench-clips bench-convert bench-peers bench-scenes bench-systems setup test-edge test test-others test-convert test-train types lint test-torture test-fuzz test-onnx test-systems onnx-models test-backends test-homeassistant shots-homeassistant test-preview bench-outputs bench-fleet bench-latency bench-writes requirements schemas clean

help: ## Explain the targets
	@awk -F ':[^#]*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use it

run: $(VENV)/.edge ## Set up the edge and start it: a camera if there is one, else the test card, and a broker beside it
	@exec $(BIN)/emotion-edge run --camera auto --broker embedded --print

install: ## As root: install the daemon as a systemd service, or upgrade it
	@systemd/install.sh

uninstall: ## As root: remove the service, and the device from its broker
	@systemd/uninstall.sh

purge: ## As root: the same, and the configuration, the password and the state too
	@PURGE=1 systemd/uninstall.sh

rollback: ## As root: go back to the version before
	@systemd/install.sh --rollback

bench: $(VENV)/.edge ## Measure the latency of each stage on this machine, beside other detectors (two minutes)
	$(BIN)/emotion-edge bench --compare --seconds 120 $(if $(wildcard $(BLAZEFACE)),--blazeface $(BLAZEFACE))

bench-clips: $(VENV)/.edge $(BLAZEFACE) ## Compare with BlazeFace on CLIPS, SECONDS each, as fast as they go
	@shopt -s nullglob; set -- $(CLIPS); [ $$# -gt 0 ] || { echo "no clip is there; say CLIPS='a.mkv b.gif'" >&2; exit 2; }
	@mkdir -p runs/clips && rm -f runs/clips/*.json
	@shopt -s nullglob; for clip in $(CLIPS); do \
	    $(BIN)/emotion-edge bench --camera "$$clip" --blazeface $(BLAZEFACE) --seconds $(SECONDS) \
	        --json "runs/clips/$$(basename "$$clip").json" >/dev/null || exit; \
	done
	@$(BIN)/emotion-edge bench merge runs/clips/*.json

blazeface: $(BLAZEFACE) ## Get BlazeFace's file, to compare with (36 MB, Apache Licence 2.0)

##@ Train and convert models

train: $(VENV)/.dev ## Train RECIPE on FER2013 and FERPLUS; resumes an interrupted run
	$(BIN)/python -m train fit "$(RECIPE)" --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)" --resume

landmarks: $(LANDMARKS_VENV)/.ready ## Find the face mesh of each FER2013 picture, for landmark_* (20 minutes; goes on where it stopped)
	$(LANDMARKS_VENV)/bin/python -m train.landmarks.extract "$(FER2013)" "$(LANDMARKS)"

convert: $(VENV)/.dev ## Quantise and check what RECIPE trained, into INTO; or any MODEL (.keras, .h5, .onnx, SavedModel)
ifdef MODEL
	$(BIN)/python -m convert "$(MODEL)" --out "$(BUNDLE)" --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)"
else
	@$(MAKE) --no-print-directory convert-run # a make of its own: one looks once for what is there, before 'train' as well
endif

convert-run:
	@test -n "$(MODELS)" || test ! -f "$(RUN)/log.csv" || { echo "$(RUN): this training is not finished; 'make train' goes on with it" >&2; exit 2; }
	@test -n "$(MODELS)" || test -f "$(WEIGHTS)" || { echo "$(RUN): no model is there; 'make train' first, or say MODEL=FILE" >&2; exit 2; }
	$(if $(MODELS),,$(BIN)/python -m train restore "$(WEIGHTS)" --out "$(RUN)")
	for model in "$(RUN)"/*.keras; do \
	    $(BIN)/python -m convert "$$model" --out "$(INTO)/$$(basename "$$model" .keras)" --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)" || exit; \
	done

cards: $(VENV)/.dev ## Write the pages beside the shipped bundles, and their figures in docs/models.md, anew
	$(BIN)/python -m convert page edge/models/*.tflite
	$(BIN)/python -m train figures edge/models/*.tflite --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)"

bench-convert: $(VENV)/.dev ## Compare BUNDLES: accuracy, size, milliseconds a face in each runtime, timed in turn
	shopt -s nullglob; $(BIN)/python -m convert bench $(BUNDLES) --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)"

bench-peers: $(VENV)/.dev ## Compare the shipped models with others': accuracy, arithmetic, milliseconds a face, timed in turn
	$(BIN)/python -m convert frontier edge/models/*.tflite --plot docs/frontier.png --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)"

bench-scenes: $(VENV)/.dev ## Evaluate the whole pipeline on synthetic video with FER+ test faces, beside other detectors
	$(BIN)/python -m train scenes --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)" --plot docs/scenes.png \
	    $(if $(wildcard $(BLAZEFACE)),--blazeface $(BLAZEFACE))

##@ Develop

setup: $(VENV)/.dev ## Set up .venv with everything for development (3 GB: TensorFlow)

test-edge: $(TEST_VENV)/.ready mosquitto ## Lint, types and the edge's tests, without TensorFlow (under 4 minutes)
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(TEST_VENV)/bin/mypy edge tests/edge
	$(TEST_VENV)/bin/pytest tests/edge

test: $(VENV)/.dev mosquitto ## Lint, types and all tests (under 15 minutes on two cores)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-others test-convert test-train

# Three processes for two cores: the first one often waits, and then the others, which give way to it, have both. That of
# `convert` goes before that of `train`, or it would be left alone with one core in the end. What each prints comes when
# it ends.
test-others: types
	$(BIN)/pytest --ignore=tests/train --ignore=tests/convert

types:
	$(BIN)/mypy

test-convert:
	nice -n 5 $(BIN)/pytest tests/convert

test-train:
	nice -n 10 $(BIN)/pytest tests/train

lint: $(VENV)/.dev ## Lint and types alone, formatting what is not
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

test-torture: $(VENV)/.dev mosquitto ## Attack the publishing side for five minutes: 20 kills of it and of its broker
	$(BIN)/python -m tests.torture $(if $(SEED),--seed $(SEED))

test-fuzz: $(VENV)/.dev mosquitto ## Fuzz for an hour, or FUZZ_S seconds; SEED goes on where another run stopped
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_S) $(if $(SEED),--seed $(SEED))

.PHONY: test-pi
# Each rung of the laboratory is a file; RUNG=systemd runs one of them.
test-pi: $(VENV)/.dev $(BLAZEFACE) mosquitto laboratory ## As root: what software can show of a Pi without one, in docs/laboratory.md
	$(BIN)/pytest $(if $(RUNG),tests/pi/test_$(RUNG).py,tests/pi)

test-onnx: export FER2013 := $(FER2013)
test-onnx: export FERPLUS := $(FERPLUS)
test-onnx: $(VENV)/.dev onnx-models ## Convert three PyTorch networks through every gate (30 minutes the first time, with PyTorch)
	$(BIN)/pytest tests/onnx

test-systems: export FER2013 := $(FER2013)
test-systems: export FERPLUS := $(FERPLUS)
test-systems: $(VENV)/.dev ## Check that the network of every system can overfit 64 faces (an hour; SYSTEM=cnn_wide: one)
	$(BIN)/pytest tests/systems $(if $(SYSTEM),-k $(SYSTEM))

bench-systems: $(VENV)/.dev ## Time every system in turn, try noise and 'convert' on those that are kept, for docs/systems.md (22 minutes)
	$(BIN)/python -m tests.measure.systems "$(FER2013)" "$(FERPLUS)"
	$(BIN)/python -m train systems

onnx-models: $(ONNX_VENV)/.ready ## Train three PyTorch networks and export them into runs/onnx (FRESH=1: anew; 20 minutes)
	$(ONNX_VENV)/bin/python -m tests.onnx.make runs/onnx --fer2013 "$(FER2013)" --ferplus "$(FERPLUS)" $(if $(FRESH),--fresh)

test-backends: $(VENV)/.dev $(BACKENDS_VENV)/.ready ## Pack a training, and run it on JAX and PyTorch as on TensorFlow (15 minutes; both in an environment of their own)
	BACKEND_PYTHON=$(abspath $(BACKENDS_VENV))/bin/python $(BIN)/pytest tests/backends

test-homeassistant: $(HASS_VENV)/.ready ## Test against the real Home Assistant, in an environment of its own (0.9 GB); PYTHON313 runs it
	$(HASS_VENV)/bin/pytest tests/homeassistant

shots-homeassistant: $(VENV)/.dev $(HASS_VENV)/.frontend chromium mosquitto ## Take the pictures of docs/home-assistant.md anew, in the real Home Assistant
	$(BIN)/python -m tests.homeassistant.shots $(HASS_VENV)/bin/hass docs

test-preview: $(VENV)/.dev chromium ## Test the preview's page in a headless Chromium; SHOTS=folder: with screenshots to look at
	$(BIN)/pytest tests/preview

bench-outputs: $(VENV)/.dev mosquitto ## Measure what the preview, the topic frame and a hook cost the daemon, a frame and an event (15 minutes)
	$(BIN)/python -m tests.measure.outputs

bench-fleet: $(VENV)/.dev $(if $(filter cluster,$(BROKER)),rabbitmq,mosquitto) ## Run DEVICES devices for REST seconds, and while their broker restarts; BROKER=cluster: three RabbitMQ nodes
	$(BIN)/python -m tests.fleet $(DEVICES) $(REST) --broker $(BROKER)

bench-latency: $(VENV)/.dev mosquitto ## Measure from a frame's capture to a subscriber's receipt, for a minute
	$(BIN)/python -m tests.measure.latency

bench-writes: $(VENV)/.dev mosquitto ## Measure what the daemon writes to the disk in an idle and a busy day (18 minutes)
	$(BIN)/python -m tests.measure.writes

release: $(TEST_VENV)/.ready ## Make archives that install without a network into dist, or those of PLATFORMS (debian13-arm64 …)
	$(TEST_VENV)/bin/python -m systemd.release dist $(PLATFORMS)

deb: $(TEST_VENV)/.ready ## Make Debian packages into dist, or those of PLATFORMS; lintian checks them if it is installed
	$(TEST_VENV)/bin/python -m systemd.deb dist $(PLATFORMS)
	! command -v lintian >/dev/null || lintian --fail-on error dist/*.deb

image: ## Build a container image for ARCH (amd64, arm64), with podman, buildah or docker; BASE: another Debian 13
	@test -n "$(BUILDER)" || { echo "no builder of images is here: sudo apt install podman" >&2; exit 1; }
	rm -f dist/emotion-edge_*~deb13_$(ARCH).deb
	$(MAKE) deb PLATFORMS=debian13-$(ARCH)
	$(BUILDER) build --platform linux/$(ARCH) --file systemd/Containerfile $(if $(BASE),--build-arg BASE=$(BASE)) \
	    --tag emotion-edge:$(ARCH) .

requirements: $(VENV)/.dev ## Pin the newest versions that pyproject.toml allows
	$(PIN) --upgrade --extra dev --output-file requirements/dev.txt
	$(PIN) --constraint requirements/dev.txt --output-file requirements/edge.txt
	$(COMPILE) pyproject.toml --python-version 3.13.0 --upgrade --extra homeassistant --output-file requirements/homeassistant.txt
	$(foreach extra,$(EXTRAS),$(PIN) --constraint requirements/dev.txt --extra $(extra) --output-file requirements/$(extra).txt && ) true
	$(COMPILE) pyproject.toml $(FOR311) --upgrade --extra landmarks --output-file requirements/landmarks.txt
	$(COMPILE) --group test-onnx $(FOR311) --upgrade --no-deps --output-file requirements/test-onnx.txt
	$(COMPILE) --group test-backends $(FOR311) --upgrade --output-file requirements/test-backends.txt

schemas: $(VENV)/.dev ## Write docs/schemas and docs/asyncapi.json anew from the types and the topics
	$(BIN)/python -m edge.wire.schemas docs/schemas
	$(BIN)/python -m edge.wire.asyncapi docs/asyncapi.json

clean: ## Remove what was installed and built, but no data and no training run
	rm -rf $(VENV) $(TEST_VENV) $(HASS_VENV) $(ONNX_VENV) $(BACKENDS_VENV) $(LANDMARKS_VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

COMPILE := $(BIN)/uv pip compile --quiet --no-emit-index-url --no-emit-find-links --no-annotate --no-header
FOR311  := --universal --python-version 3.11
PIN     := $(COMPILE) pyproject.toml $(FOR311)

# Checked on every call, which takes a moment: the system's Python or Picamera2 may have changed since.
$(VENV)/.edge: FORCE
	@$(call environment,$(VENV),$(PYTHON),demo)

$(VENV)/.dev: FORCE
	@$(call environment,$(VENV),$(PYTHON),dev)

$(TEST_VENV)/.ready: FORCE
	@$(call environment,$(TEST_VENV),$(PYTHON),test)

$(HASS_VENV)/.ready: FORCE
	@$(PYTHON313) -I -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || \
	    { echo "$(PYTHON313) is no Python 3.13; name one: make test-homeassistant PYTHON313=/path/to/python3.13" >&2; exit 1; }
	@$(call environment,$(HASS_VENV),$(PYTHON313),homeassistant)

# A wheel of its own, 90 MB, that no test needs; which one, Home Assistant's core says.
$(HASS_VENV)/.frontend: $(HASS_VENV)/.ready
	@requirements/pip.sh $(HASS_VENV)/bin/python --no-deps --requirement requirements/homeassistant-frontend.txt
	@sync && touch $@

.PHONY: FORCE
FORCE:

# Of a folder, a Python and a list: the packages, and the project itself.
environment = requirements/checkout.sh $(1) $(2) requirements/$(3).txt $@

# PyTorch stays out of .venv. Its own dependencies cannot be pinned for everyone, as they differ with the build that pip
# finds (none that is large for a CPU, a dozen of nvidia-* for a GPU): here alone pip may add what the list does not name.
$(ONNX_VENV)/.ready: requirements/test-onnx.txt
	@requirements/venv.sh $(ONNX_VENV) $(PYTHON) requirements/test-onnx.txt with-dependencies
	@touch $@

$(BACKENDS_VENV)/.ready: requirements/test-backends.txt
	@requirements/venv.sh $(BACKENDS_VENV) $(PYTHON) requirements/test-backends.txt with-dependencies
	@touch $@

$(LANDMARKS_VENV)/.ready: FORCE
	@$(call environment,$(LANDMARKS_VENV),$(PYTHON),landmarks)

# pip compares the wheel's hash with the one in the list. The wheel is for a usual PC, its model for every machine.
$(BLAZEFACE): requirements/blazeface.txt | $(VENV)/.edge
	@mkdir -p $(@D)
	@$(BIN)/pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
	    --require-hashes --requirement $< --dest $(@D)
	@$(BIN)/python -I -c 'import sys, zipfile; [wheel] = sys.argv[1:]; \
	    sys.stdout.buffer.write(zipfile.ZipFile(wheel).read("mediapipe/modules/face_detection/$(@F)"))' \
	    $(@D)/mediapipe-*.whl >$@
	@rm $(@D)/mediapipe-*.whl

.PHONY: laboratory
laboratory: # What tests/pi runs on this machine; where apt may not install it, the rungs that need it say so.
	@PATH="$$PATH:/usr/sbin"; for each in mmdebstrap:mmdebstrap arch-test:arch-test qemu-aarch64-static:qemu-user-static \
	    systemd-nspawn:systemd-container qemu-system-x86_64:qemu-system-x86 qemu-system-aarch64:qemu-system-arm \
	    mkfs.ext4:e2fsprogs gcc:gcc; do \
	    command -v "$${each%%:*}" >/dev/null || packages="$$packages $${each#*:}"; \
	done; [ -z "$$packages" ] || requirements/apt.sh $$packages || true

.PHONY: chromium
chromium: # A browser without a window, in which tests/preview looks at the page.
	@command -v chromium >/dev/null || requirements/apt.sh chromium

.PHONY: mosquitto
mosquitto: # The tests want a real broker; Debian puts it into /usr/sbin, which is not on everyone's PATH.
	@PATH="$$PATH:/usr/sbin"; command -v mosquitto >/dev/null || requirements/apt.sh mosquitto

.PHONY: rabbitmq
rabbitmq: # A cluster for bench-fleet, which starts its own nodes: the system's services are not wanted.
	@[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || SERVICES="rabbitmq-server $$(command -v epmd >/dev/null || echo epmd.service epmd.socket)" \
	    requirements/apt.sh rabbitmq-server
	@PATH="$$PATH:/usr/sbin"; command -v haproxy >/dev/null || SERVICES=haproxy requirements/apt.sh haproxy
