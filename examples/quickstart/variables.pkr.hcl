# SPDX-License-Identifier: Apache-2.0

variable "release" {
  type        = string
  default     = "bookworm"
  description = "The Debian release both images stand on."
}

variable "mirror" {
  type        = string
  default     = null
  description = "Where packages come from; null: the distribution's own archive."
}

variable "ssh_public_key" {
  type        = string
  default     = ""
  description = "A public key that may log in as the user admin of the finished images."
  validation {
    condition     = var.ssh_public_key == "" || can(regex("^(ssh|ecdsa)-", var.ssh_public_key))
    error_message = "The key must be one line as in id_ed25519.pub."
  }
}

variable "greeting" {
  type        = string
  default     = "Hello from a golden image"
  description = "What the web page says."
}

locals {
  admin_keys = compact([var.ssh_public_key])
}
