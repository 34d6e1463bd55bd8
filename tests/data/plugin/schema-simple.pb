
$
"
name
name


cty.String