#!/usr/bin/env bash
# What `run.sh` runs inside an Arm root, in the repository's folder: install, calibrate, classify, light tests.
set -euo pipefail
work=$(realpath "$1")
repository=$PWD
venv=/opt/offload
export OFFLOAD_HOME=/opt/offload-home

options=()
if [ "$(uname -m)" = armv7l ]; then
  # 32-bit Arm has no wheels of these on PyPI; the distribution's are used, as the README says.
  apt-get install -y -qq python3-numpy python3-pil python3-psutil >/dev/null
  options=(--system-site-packages)
fi
[ -x "$venv/bin/python" ] || python3 -m venv "${options[@]}" "$venv"
"$venv/bin/pip" install --quiet --upgrade --force-reinstall --no-deps "$work"/*.whl
"$venv/bin/pip" install --quiet "$work"/*.whl pytest hypothesis

cd /opt  # outside the checkout, so that the wheel is what runs
"$venv/bin/offload-sdk" calibrate --quick
"$venv/bin/offload-sdk" status
answer=$("$venv/bin/offload-sdk" classify "$work/cat.jpg" --json --policy local)
echo "$answer"
grep -q '"name": *"\(tiger cat\|tabby\|Egyptian cat\)"' <<<"$answer" || { echo "not a cat" >&2; exit 1; }

rm -rf /opt/light && mkdir /opt/light && cp -r "$repository/tests" /opt/light/
cd /opt/light
# Deselected: races that a child must win within seconds, and silence on standard error, where qemu's cpuinfo
# complains that there is no /sys. The property tests run in a process of their own: the 32-bit tflite-runtime
# switches subnormal numbers off for the whole process that loads it, which hypothesis refuses to work with.
for selection in "light and hypothesis" "light and not hypothesis"; do
  "$venv/bin/python" -m pytest -q -p no:cacheprovider -m "$selection" \
    -W ignore::pytest.PytestUnknownMarkWarning --ignore=tests/server --ignore=tests/benchmarks \
    --deselect tests/test_api.py::test_threads_that_start_together_share_one_default \
    --deselect tests/test_api.py::test_a_fork_while_another_thread_makes_the_default_does_not_hang \
    --deselect tests/model/test_model_classifier.py::test_loading_a_model_writes_nothing_to_standard_error \
    tests
done
