# Shorthand only; ./holdfast does the work.
.PHONY: demo test check
demo test check:
	./holdfast $@
