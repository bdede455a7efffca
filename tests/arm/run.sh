#!/usr/bin/env bash
# Does the wheel install, calibrate, classify and pass the light tests on Arm? On Debian 12 root file systems
# (what Raspberry Pi OS stands on) under qemu-user: function, not speed. Needs root, about twenty minutes for each
# architecture, most of it emulation. The roots are kept for the next run; ARM_ROOTS says where.
#   tests/arm/run.sh [arm64] [armhf]
# ARM_CHROOT names the tool that makes such a root (`make ARCH DIR`) and runs a command in it (`run DIR COMMAND`,
# with /src as the current folder).
set -euo pipefail
cd "$(dirname "$0")/../.."

pi_chroot=${ARM_CHROOT:-../shared/tools/pi-chroot}
roots=${ARM_ROOTS:-/var/tmp/offload-sdk-arm}
[ "$(id -u)" = 0 ] || { echo "test-arm needs root, for chroot and binfmt" >&2; exit 2; }
[ -x "$pi_chroot" ] || { echo "test-arm needs $pi_chroot; set ARM_CHROOT" >&2; exit 2; }
[ $# -gt 0 ] || set -- arm64 armhf

make --quiet .venv/.installed
work=build/arm
rm -rf "$work" && mkdir -p "$work" "$roots"
.venv/bin/python -m build --wheel --outdir "$work" . >/dev/null
.venv/bin/python -c "
from PIL import Image
from skimage import data
Image.fromarray(data.chelsea()).save('$work/cat.jpg')"

for arch in "$@"; do
  root=$roots/$arch
  # A mount that an interrupted run left behind would hide a half-made root.
  [ -e "$root/usr/bin/python3" ] || { rm -rf --one-file-system "$root"; "$pi_chroot" make "$arch" "$root"; }
  mkdir -p "$root/etc"
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
  echo "== $arch"
  "$pi_chroot" run "$root" bash tests/arm/inside.sh "$work"
done
echo "passed on: $*"
