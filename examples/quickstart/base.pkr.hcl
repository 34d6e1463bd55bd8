# SPDX-License-Identifier: Apache-2.0
#
# base: a bootable Debian disk, made from the package archive. Nothing is booted
# and nobody needs to be root.

source "bootstrap" "base" {
  release          = var.release
  mirror           = var.mirror
  hostname         = "golden"
  disk_size        = "4G"
  packages         = ["sudo"]
  output_directory = "output-base"

  user "admin" {
    sudo                = true
    ssh_authorized_keys = local.admin_keys
  }
}

build {
  name    = "base"
  sources = ["source.bootstrap.base"]
}
