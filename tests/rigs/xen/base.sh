# What of the rig comes from Debian alone: Xen, two kernels, a root for dom0, a first file system for guests. Sourced by run.
# shellcheck shell=bash

# Of Debian 12. kernel0 is dom0's, which the cloud kernel can't be; kernelU is the guests'.
libraries=(
  libc6 libgcc-s1 libstdc++6 libssl3 zlib1g liblzma5 libzstd1 libuuid1 libblkid1 libcom-err2 libext2fs2 libyajl2
  libnl-3-200 libnl-route-3-200 libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1
  libxenmisc4.17 libxenstore4 libxentoolcore1 libxentoollog1
)
programs=(busybox-static e2fsprogs ioping xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils)
kernels=(linux-image-amd64 linux-image-cloud-amd64)

# In the order in which they are loaded.
modules0=(
  crc32c_generic crc16 mbcache jbd2 ext4 virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
  xen-privcmd xen-evtchn xen-gntdev xenfs
)

# Downloads what is not in the cache yet.
fetch() {
  local debs=$cache/debs package names=("${libraries[@]}" "${programs[@]}") kernel
  mkdir -p "$debs"
  for package in "${kernels[@]}"; do
    compgen -G "$debs/$package" >/dev/null && continue
    # The package with the kernel itself has its version in its name.
    kernel=$(apt-cache depends "$package" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-6\.1\..*\)/\1/p' | head -n 1)
    [[ $kernel ]] || missing "Debian 12's package $package can't be had"
    echo "$kernel" >"$debs/$package"
  done
  for package in "${names[@]}" $(cd "$debs" && cat "${kernels[@]}"); do
    compgen -G "$debs/${package}_*.deb" >/dev/null && continue
    (cd "$debs" && apt-get download -qq "$package") >"$work/apt.log" 2>&1 ||
      missing "Debian 12's package $package can't be had: $(grep -m 1 '^E:' "$work/apt.log")"
  done
}

# Files of a package into a directory.
unpack() { # directory package patterns...
  mkdir -p "$1"
  dpkg-deb --fsys-tarfile "$cache/debs/$2"_*.deb | tar -x -C "$1" --wildcards "${@:3}"
}

# A directory as a first file system.
archive() { (cd "$1" && find . | sort | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -1); }

# Makes $base: xen, vmlinux, initrd, and root, which becomes dom0's disk. What it is made from is in its name.
make_base() {
  local key
  key=$(cat "$here/base.sh" "$here/dom0/init" "$here"/guest/* | sha256sum | cut -c1-12)
  base=$cache/base-$key
  [[ -d $base ]] && return
  echo "rig: unpacking Debian's packages"
  fetch
  rm -rf "$cache"/base-*
  local made=$work/base package
  busybox=$made/root/bin/busybox
  mkdir -p "$made"
  make_root
  make_kernels
  make_guest
  make_initrd
  mv "$made" "$base"
}

make_root() {
  local root=$made/root directory
  for package in "${libraries[@]}"; do
    unpack "$root" "$package" '*/x86_64-linux-gnu/lib*.so*'
  done
  unpack "$root" libc6 './lib/*/ld-*' './lib64/*'
  unpack "$root" busybox-static ./bin/busybox
  unpack "$root" xen-utils-4.17 ./usr/lib/xen-4.17/bin/{xl,xenstored,xenconsoled,xen-init-dom0,lsevtchn}
  unpack "$root" xenstore-utils './usr/bin/xenstore*'
  for directory in dev proc sys tmp run data etc/xen var/lib/xen var/lib/xenstored var/log/xen/console rig guest; do
    mkdir -p "$root/$directory"
  done
  ln -s /run "$root/var/run"
}

make_kernels() {
  local kernel offset files
  unpack "$work/xen" xen-hypervisor-4.17-amd64 './boot/xen-4.17-amd64.gz'
  gunzip -c "$work/xen/boot/xen-4.17-amd64.gz" >"$made/xen" # What QEMU starts must not be packed.
  kernel=$(cat "$cache/debs/${kernels[0]}")
  mapfile -t files < <(printf '*/%s.ko\n' "${modules0[@]}")
  unpack "$work/0" "$kernel" './boot/vmlinuz-*' "${files[@]}"
  # Nor need Xen, slowly, unpack dom0's kernel.
  offset=$(grep -obUaP '\xfd7zXZ\x00' "$work/0/boot"/vmlinuz-* | sed -n '1s/:.*//p')
  xz -dc --single-stream < <(tail -c "+$((offset + 1))" "$work/0/boot"/vmlinuz-* || true) >"$made/vmlinux"
  kernel=$(cat "$cache/debs/${kernels[1]}")
  unpack "$work/u" "$kernel" './boot/vmlinuz-*' '*/xen-blkfront.ko'
  cp "$work/u/boot"/vmlinuz-* "$made/root/guest/vmlinuz"
}

make_guest() {
  local guest=$work/guest package
  for package in libc6 libuuid1 libblkid1 libcom-err2 libext2fs2; do
    unpack "$guest" "$package" '*/x86_64-linux-gnu/lib[ceumb]*.so*'
  done
  unpack "$guest" libc6 './lib/*/ld-*' './lib64/*'
  unpack "$guest" e2fsprogs ./sbin/mke2fs ./sbin/mkfs.ext4 ./sbin/e2fsck ./etc/mke2fs.conf
  unpack "$guest" ioping ./usr/bin/ioping
  mkdir -p "$guest"/{bin,dev,proc,sys,tmp,mnt}
  cp "$busybox" "$guest/bin"
  cp "$(find "$work/u" -name xen-blkfront.ko)" "$here/guest/init" "$guest"
  cp "$here/guest/busy" "$here/guest/reads" "$guest/bin"
  archive "$guest" >"$made/root/guest/initrd"
}

make_initrd() {
  local first=$work/first module
  mkdir -p "$first"/{bin,dev,root,modules}
  cp "$busybox" "$first/bin"
  cp "$here/dom0/init" "$first"
  for module in "${modules0[@]}"; do
    cp "$(find "$work/0" -name "$module.ko")" "$first/modules"
  done
  printf '%s\n' "${modules0[@]}" >"$first/modules/order"
  archive "$first" >"$made/initrd"
}
