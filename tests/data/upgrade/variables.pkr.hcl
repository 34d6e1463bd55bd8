
variable "a" {
  type    = string
  default = "${build.name}"
}

# could not parse template for following block: "template: hcl2_upgrade:4: function \"nope\" not defined"

variable "bad" {
  type    = string
  default = "{{ nope `x` }}"
}

variable "quoted" {
  type    = string
  default = "${env("A")} ${env("B")}"
}

locals {
  b = "${local.z}"
  z = "${uuidv4()}"
}
