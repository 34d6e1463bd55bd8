
variable "name" {
  type = string
}

variable "text" {
  type = string
}

# could not parse template for following block: "template: hcl2_upgrade:2: bad character U+0060 '`'"

source "file" "{{user_`name`}}" {
  content = "{{user `text`}} {{ .Later }} {{user `text`}}"
  target  = "x"
}

build {
  sources = ["source.file.{{user_`name`}}"]

}
