
ã
*
	boot_wait
	boot_wait


cty.String
"
cpus
cpus


cty.Number
.
numbers#!
numbers




cty.Number
:
packer_build_name%#
packer_build_name


cty.String
0
qemuargs$"
qemuargs




cty.String
)
renamed

other_name


cty.Bool
F
packer_user_variables-+
packer_user_variables



cty.String
.
packer_debug
packer_debug


cty.Bool
P
packer_sensitive_variables20
packer_sensitive_variables



cty.String