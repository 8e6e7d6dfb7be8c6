# Everything is done by `python3 -m tools`, which works without make, too.
PYTHON ?= python3
TOOLS = $(PYTHON) -m tools

.PHONY: help serve site test bench bench-browser fuzz-kernels milestones clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make serve           build what changed, serve it on localhost (PORT=9000 to choose a port)"
	@echo "make site            build/site/, ready for any static host"
	@echo "make test            all tests: lint, unit, site, browsers"
	@echo "make bench           the framework beside PyTorch"
	@echo "make bench-browser   start-up, verdicts and kernels in real browsers"
	@echo "make fuzz-kernels    the WebAssembly kernels against NumPy, 100,000 random cases in each home"
	@echo "make milestones      train the milestones, each with its gate"
	@echo "make clean           delete what was built"
	@echo "make distclean       delete what was installed, too (.venv, lite/node_modules)"

serve:
	@$(TOOLS) serve $(if $(PORT),--port $(PORT)) $(if $(SUB_PATH),--sub-path $(SUB_PATH)) $(if $(HEADERS),--headers)

site test bench bench-browser fuzz-kernels milestones clean distclean:
	@$(TOOLS) $@
