# SPDX-License-Identifier: Apache-2.0
#
# web: boots a copy-on-write overlay of base, installs and hardens nginx, and
# keeps the result. No password and no key is set: the builder hands the guest
# a temporary key that is gone when it shuts down.

source "qemu" "web" {
  iso_url          = "output-base/base.qcow2"
  iso_checksum     = "none"
  disk_image       = true
  skip_resize_disk = true
  format           = "qcow2"
  vm_name          = "web.qcow2"
  output_directory = "output-web"
  headless         = true
  memory           = 1024
  cpus             = 2
  ssh_username     = "admin"
  ssh_timeout      = "5m"
  shutdown_command = "sudo systemctl poweroff"
}

build {
  name    = "web"
  sources = ["source.qemu.web"]

  provisioner "shell" {
    name = "install nginx"
    inline = [
      "sudo apt-get -qq update",
      "sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y nginx-light >/dev/null",
    ]
  }

  provisioner "file" {
    content     = templatefile("site/index.html", { greeting = var.greeting })
    destination = "/tmp/index.html"
  }

  provisioner "file" {
    source      = "${path.root}/site/default.conf"
    destination = "/tmp/default.conf"
  }

  provisioner "shell" {
    name            = "harden"
    script          = "${path.root}/harden.sh"
    execute_command = "chmod +x {{ .Path }}; sudo env {{ .Vars }} {{ .Path }}"
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "output-web/SHA256SUMS"
  }

  post-processor "manifest" {
    output     = "output-web/manifest.json"
    strip_path = true
  }
}
