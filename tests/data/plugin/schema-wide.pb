
ñ(
)
renamed

other_name


cty.Bool
0

option_099" 

option_099



cty.String
,

option_030

option_030


cty.String
0

option_068" 

option_068



cty.String
.

option_070 

option_070


cty.String
.

option_077 

option_077


cty.Number
.

option_000 

option_000


cty.String
,

option_060

option_060


cty.String
0

option_069" 

option_069



cty.String
0

option_043" 

option_043



cty.String
*

option_011

option_011


cty.Bool
*

option_031

option_031


cty.Bool
2

option_063$"

option_063



cty.String
0

option_039" 

option_039



cty.String
0

option_054" 

option_054



cty.String
F
packer_user_variables-+
packer_user_variables



cty.String
,

option_052

option_052


cty.Number
*

option_001

option_001


cty.Bool
,

option_082

option_082


cty.Number
0

option_094" 

option_094



cty.String
.
packer_debug
packer_debug


cty.Bool
,

option_057

option_057


cty.Number
,

option_080

option_080


cty.String
,

option_087

option_087


cty.Number
P
packer_sensitive_variables20
packer_sensitive_variables



cty.String
*

option_076

option_076


cty.Bool
,

option_050

option_050


cty.String
2

option_084$"

option_084



cty.String
*

option_046

option_046


cty.Bool
0

option_034" 

option_034



cty.String
0

option_018" 

option_018



cty.String
*

option_016

option_016


cty.Bool
0

option_048" 

option_048



cty.String
,

option_067

option_067


cty.Number
*

option_006

option_006


cty.Bool
0

option_064" 

option_064



cty.String
0

option_023" 

option_023



cty.String
0

option_078" 

option_078



cty.String
,

option_021

option_021


cty.Bool
.

option_035 

option_035


cty.String
,

option_055

option_055


cty.String
2

option_098$"

option_098



cty.String
2

option_014$"

option_014



cty.String
0

option_053" 

option_053



cty.String
,

option_085

option_085


cty.String
0

option_004" 

option_004



cty.String
,

option_072

option_072


cty.Number
0

option_074" 

option_074



cty.String
,

option_045

option_045


cty.String
,

option_020

option_020


cty.String
,

option_090

option_090


cty.String
*
	boot_wait
	boot_wait


cty.String
,

option_097

option_097


cty.Number
2

option_028$"

option_028



cty.String
*

option_026

option_026


cty.Bool
0

option_019" 

option_019



cty.String
,

option_037

option_037


cty.Number
*

option_081

option_081


cty.Bool
.
numbers#!
numbers




cty.Number
,

option_040

option_040


cty.String
*

option_086

option_086


cty.Bool
.

option_042 

option_042


cty.Number
0

option_038" 

option_038



cty.String
,

option_017

option_017


cty.Number
,

option_056

option_056


cty.Bool
,

option_015

option_015


cty.String
*

option_051

option_051


cty.Bool
0

option_093" 

option_093



cty.String
,

option_091

option_091


cty.Bool
,

option_075

option_075


cty.String
0

option_058" 

option_058



cty.String
*

option_036

option_036


cty.Bool
0

option_029" 

option_029



cty.String
0

option_003" 

option_003



cty.String
0

option_013" 

option_013



cty.String
*

option_061

option_061


cty.Bool
,

option_002

option_002


cty.Number
,

option_025

option_025


cty.String
0

option_009" 

option_009



cty.String
0

option_089" 

option_089



cty.String
0
qemuargs$"
qemuargs




cty.String
,

option_032

option_032


cty.Number
*

option_066

option_066


cty.Bool
,

option_005

option_005


cty.String
0

option_008" 

option_008



cty.String
0

option_073" 

option_073



cty.String
0

option_079" 

option_079



cty.String
,

option_010

option_010


cty.String
2

option_049$"

option_049



cty.String
,

option_065

option_065


cty.String
,

option_062

option_062


cty.Number
,

option_012

option_012


cty.Number
:
packer_build_name%#
packer_build_name


cty.String
*

option_096

option_096


cty.Bool
"
cpus
cpus


cty.Number
,

option_047

option_047


cty.Number
,

option_095

option_095


cty.String
,

option_027

option_027


cty.Number
0

option_059" 

option_059



cty.String
*

option_041

option_041


cty.Bool
*

option_071

option_071


cty.Bool
0

option_083" 

option_083



cty.String
.

option_007 

option_007


cty.Number
0

option_088" 

option_088



cty.String
0

option_024" 

option_024



cty.String
,

option_092

option_092


cty.Number
0

option_044" 

option_044



cty.String
,

option_022

option_022


cty.Number
0

option_033" 

option_033



cty.String