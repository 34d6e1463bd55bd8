/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/export/package.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/signature.h"
#include "base/str.h"
#include "disk/ova.h"
#include "os/fs.h"
#include "value/number.h"

#include <string.h>

enum {
	EULA_MAX = 1024 * 1024,
	PEM_MAX = 256 * 1024,
	EULAS_MAX = 32,
	NICS_MAX = 10, /* VMware has no more */
	DEFAULT_CPUS = 1,
	DEFAULT_MEMORY = 1024,
	DEFAULT_HARDWARE = 13,
};

static const struct export_ovf unset = { .hardware_version = DEFAULT_HARDWARE };

/* ---- files that the template names ------------------------------------------------------------- */

static int read_text(const char *cwd, const char *what, const char *path, size_t max,
		     struct strbuf *ret, struct error **err)
{
	AUTO_FREE char *full = path_absolute(cwd, path);

	if (fs_read(full, max, ret, err) < 0)
		return error_prefix(err, "cannot use %s", what);
	if (memchr(ret->buf, '\0', ret->len))
		return error_set(err, ERROR_INVALID, "cannot use %s: '%s' is not a text", what,
				 path);
	return 0;
}

static void check_eulas(const struct export_ovf *ovf, const struct prepare_ctx *ctx,
			struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "ovf.eula_files");

	if (ovf->eula_files.len > EULAS_MAX)
		diags_error(diags, &at, "Too many licenses", "At most %d are written.", EULAS_MAX);
	for (size_t i = 0; i < MIN(ovf->eula_files.len, EULAS_MAX); i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		AUTO(error) struct error *e = NULL;

		if (read_text(ctx->cwd, "the license", ovf->eula_files.v[i], EULA_MAX, &text, &e) <
		    0)
			diags_from_error(diags, &at, e);
	}
}

static void check_signing(const struct export_ovf *ovf, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "ovf.private_key_file");
	AUTO(strbuf) struct strbuf key = STRBUF_INIT;
	AUTO(strbuf) struct strbuf certificate = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (text_is_empty(ovf->private_key_file) || text_is_empty(ovf->certificate_file))
		return; /* the table says that they go together */
	if (read_text(ctx->cwd, "the private key", ovf->private_key_file, PEM_MAX, &key, &e) < 0 ||
	    read_text(ctx->cwd, "the certificate", ovf->certificate_file, PEM_MAX, &certificate,
		      &e) < 0 ||
	    signature_check_pair(key.buf, certificate.buf, &e) < 0)
		diags_from_error(diags, &at, e);
}

static bool has_ova(const struct export_config *c)
{
	for (size_t i = 0; i < c->image_count; i++)
		if (text_eq(c->images[i].format, "ova"))
			return true;
	return false;
}

void package_check(const struct export_config *c, const struct prepare_ctx *ctx,
		   struct diags *diags)
{
	const struct export_ovf *ovf = c->ovf;
	struct range at = decoded_range(ctx->decoded, "ovf");

	if (!ovf)
		return;
	if (!has_ova(c))
		diags_error(diags, &at, "Nothing to describe",
			    "The block ovf is for the format ova, which is not exported.");
	if (ovf->nic.len > NICS_MAX)
		diags_error(diags, &at, "Too many network cards", "A machine has at most %d.",
			    NICS_MAX);
	check_eulas(ovf, ctx, diags);
	check_signing(ovf, ctx, diags);
}

/* ---- what the builder told ----------------------------------------------------------------------- */

static const struct value *told(const struct artifact *a, const char *key, const struct type *type)
{
	const struct value *v = a->state ? value_get(a->state, key) : NULL;

	return v && value_type(v) == type && value_is_known(v) && !value_is_null(v) ? v : NULL;
}

static const char *told_text(const struct artifact *a, const char *key)
{
	const struct value *v = told(a, key, type_string);

	return v ? value_as_string(v) : "";
}

static int64_t told_number(const struct artifact *a, const char *key, int64_t fallback)
{
	const struct value *v = told(a, key, type_number);
	int64_t n;

	return v && number_to_int(value_as_number(v), &n) && n > 0 ? n : fallback;
}

static bool told_bool(const struct artifact *a, const char *key)
{
	const struct value *v = told(a, key, type_bool);

	return v && value_as_bool(v);
}

/* Names that also older versions know. */
static const char *guest_of(const struct artifact *a)
{
	const char *distribution = told_text(a, "distribution");

	if (!strcmp(distribution, "debian"))
		return "debian10_64Guest";
	return !strcmp(distribution, "ubuntu") ? "ubuntu64Guest" : "otherLinux64Guest";
}

/* Every hypervisor has it, and every kernel, also the small ones for clouds, which lack AHCI and the older
 * SCSI controllers. `virtio` is in neither VMware nor VirtualBox. */
#define USUAL_CONTROLLER "ide"

/* For want of a vmxnet3 VirtualBox gives a machine its own usual card; an e1000 is not driven by the small
 * kernels. A machine that had something else keeps it. */
static const char *nic_of(const struct artifact *a)
{
	const char *device = told_text(a, "netDevice");

	for (size_t i = 0; ovf_nic_models[i]; i++)
		if (!strcmp(device, ovf_nic_models[i]))
			return ovf_nic_models[i];
	return !strcmp(device, "pcnet") ? "pcnet32" : "vmxnet3";
}

/* ---- the machine ------------------------------------------------------------------------------------ */

static const char *first_of(const char *a, const char *b)
{
	return text_is_empty(a) ? b : a;
}

static const char *said(const char *text)
{
	return text_is_empty(text) ? NULL : text;
}

static void fill_hardware(struct ovf_machine *to, const struct export_ovf *ovf,
			  const struct artifact *a)
{
	const char *told_firmware =
		told_bool(a, "secureBoot") ? "efi-secure" : told_text(a, "firmware");
	const char *firmware = first_of(ovf->firmware, told_firmware);

	to->cpus = ovf->cpus ? ovf->cpus : told_number(a, "cpus", DEFAULT_CPUS);
	to->memory = ovf->memory ? ovf->memory : told_number(a, "memory", DEFAULT_MEMORY);
	to->is_efi = !strncmp(firmware, "efi", 3);
	to->secure_boot = !strcmp(firmware, "efi-secure");
	to->guest_os_type = first_of(ovf->guest_os_type, guest_of(a));
	to->hardware_version = ovf->hardware_version;
	to->controller = first_of(ovf->disk_controller, USUAL_CONTROLLER);
}

static void fill_nics(struct ovf_machine *to, const struct export_ovf *ovf,
		      const struct artifact *a, struct arena *arena)
{
	const struct export_nic *nics = ovf->nic.v;
	size_t n = MAX(ovf->nic.len, 1);
	struct ovf_nic *made = ARENA_ARRAY(arena, struct ovf_nic, n);

	made[0] = (struct ovf_nic){ nic_of(a), "VM Network" };
	for (size_t i = 0; i < ovf->nic.len; i++)
		made[i] = (struct ovf_nic){ first_of(nics[i].model, nic_of(a)),
					    first_of(nics[i].network, "VM Network") };
	to->nics = made;
	to->nic_count = n;
}

static void fill_product(struct ovf_machine *to, const struct export_ovf *ovf, struct arena *arena)
{
	size_t n = ovf->properties.len;
	struct ovf_property *made = ARENA_ARRAY(arena, struct ovf_property, MAX(n, 1));

	to->product = (struct ovf_product){
		.product = said(ovf->product),
		.vendor = said(ovf->vendor),
		.version = said(ovf->version),
		.full_version = said(ovf->full_version),
		.product_url = said(ovf->product_url),
		.vendor_url = said(ovf->vendor_url),
	};
	for (size_t i = 0; i < n; i++)
		made[i] = (struct ovf_property){ ovf->properties.v[i].key,
						 ovf->properties.v[i].value };
	to->properties = made;
	to->property_count = n;
	to->annotation = said(ovf->annotation);
}

static const char *keep_text(const struct export_making *m, struct arena *arena, const char *what,
			     const char *path, size_t max, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (read_text(m->ctx->cwd, what, path, max, &text, err) < 0)
		return NULL;
	return arena_strndup(arena, text.buf, text.len);
}

static int fill_eulas(struct ovf_machine *to, const struct export_ovf *ovf,
		      const struct export_making *m, struct arena *arena, struct error **err)
{
	size_t n = ovf->eula_files.len;
	const char **made = ARENA_ARRAY(arena, const char *, MAX(n, 1));

	for (size_t i = 0; i < n; i++) {
		made[i] = keep_text(m, arena, "the license", ovf->eula_files.v[i], EULA_MAX, err);
		if (!made[i])
			return -1;
	}
	to->eulas = made;
	to->eula_count = n;
	return 0;
}

static int fill_signing(struct ova_spec *to, const struct export_ovf *ovf,
			const struct export_making *m, struct arena *arena, struct error **err)
{
	if (text_is_empty(ovf->private_key_file))
		return 0;
	to->private_key =
		keep_text(m, arena, "the private key", ovf->private_key_file, PEM_MAX, err);
	if (!to->private_key)
		return -1;
	to->certificate =
		keep_text(m, arena, "the certificate", ovf->certificate_file, PEM_MAX, err);
	return to->certificate ? 0 : -1;
}

static int fill(struct ova_spec *spec, const struct export_making *m, struct arena *arena,
		struct error **err)
{
	const struct export_ovf *ovf = m->config->ovf ? m->config->ovf : &unset;
	struct ovf_machine *machine = ARENA_NEW(arena, struct ovf_machine);
	struct str base = str_of(path_basename(m->path));

	if (str_ends_with(base, STR(".ova")))
		base.len -= strlen(".ova");
	machine->name = first_of(ovf->name, m->ctx->info->source_name);
	fill_hardware(machine, ovf, m->input);
	fill_nics(machine, ovf, m->input, arena);
	fill_product(machine, ovf, arena);
	*spec = (struct ova_spec){
		.name = arena_strndup(arena, base.p, base.len),
		.machine = machine,
		.disk_count = 1,
		.level = (int)m->image->level,
		.arena = arena,
	};
	if (fill_eulas(machine, ovf, m, arena, err) < 0)
		return -1;
	return fill_signing(spec, ovf, m, arena, err);
}

int package_make(const struct export_making *m, struct disk_writer **ret, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct ova_spec spec;

	if (fill(&spec, m, arena, err) < 0)
		return -1;
	TAKE(arena); /* the OVA has it now, whatever comes of it */
	*ret = ova_writer_new(&m->target, &spec, err);
	return *ret ? 0 : -1;
}
