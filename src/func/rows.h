/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table of functions, each in the file of its family. */
#pragma once

#include "value/function.h"

extern const struct func_def func_abs, func_abspath, func_alltrue, func_anytrue,
	func_aws_secretsmanager, func_aws_secretsmanager_raw, func_base64decode, func_base64encode,
	func_base64gzip, func_basename, func_bcrypt, func_can, func_ceil, func_chomp,
	func_chunklist, func_cidrhost, func_cidrnetmask, func_cidrsubnet, func_cidrsubnets,
	func_coalesce, func_coalescelist, func_compact, func_concat, func_consul_key, func_contains,
	func_convert, func_csvdecode, func_dirname, func_distinct, func_element, func_endswith,
	func_env, func_file, func_filebase64, func_fileexists, func_fileset, func_flatten,
	func_floor, func_format, func_formatdate, func_formatlist, func_indent, func_index,
	func_join, func_jsondecode, func_jsonencode, func_keys, func_legacy_isotime,
	func_legacy_strftime, func_length, func_log, func_lookup, func_lower, func_max, func_md5,
	func_merge, func_min, func_parseint, func_pathexpand, func_pow, func_range, func_regex,
	func_regex_replace, func_regexall, func_replace, func_reverse, func_rfc3339_parse,
	func_rsadecrypt, func_setintersection, func_setproduct, func_setunion, func_sha1,
	func_sha256, func_sha512, func_signum, func_slice, func_sort, func_split, func_startswith,
	func_strcontains, func_strrev, func_substr, func_sum, func_templatefile,
	func_textdecodebase64, func_textencodebase64, func_timeadd, func_timestamp, func_title,
	func_trim, func_trimprefix, func_trimspace, func_trimsuffix, func_try,
	func_unix_timestamp_parse, func_upper, func_urlencode, func_uuidv4, func_uuidv5,
	func_values, func_vault, func_vault_kv, func_yamldecode, func_yamlencode, func_zipmap;
