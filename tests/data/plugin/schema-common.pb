
ã
:
packer_build_name%#
packer_build_name


cty.String
P
packer_sensitive_variables20
packer_sensitive_variables



cty.String
*
	boot_wait
	boot_wait


cty.String
0
qemuargs$"
qemuargs




cty.String
.
packer_debug
packer_debug


cty.Bool
F
packer_user_variables-+
packer_user_variables



cty.String
"
cpus
cpus


cty.Number
)
renamed

other_name


cty.Bool
.
numbers#!
numbers




cty.Number