/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The communicator that talks to nobody: for `communicator = "none"` and for
 * builders without a machine, so that local provisioners have one to hold.
 */
#include "core/comm.h"

#include "base/alloc.h"

#include <stdlib.h>

struct comm_none {
	struct comm comm;
	bool swallow;
};

static int none_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		     struct error **err)
{
	(void)m;
	(void)cmd;
	if (cancel_check(c, err) < 0)
		return -1;
	*ret_status = 0;
	return 0;
}

static int refuse(struct comm *m, const char *what, struct error **err)
{
	if (((struct comm_none *)m)->swallow)
		return 0;
	return error_set(err, ERROR_INVALID, "%s is not implemented when communicator = 'none'",
			 what);
}

static int none_upload(struct comm *m, const struct comm_upload *up, const char *dst,
		       struct cancel *c, struct error **err)
{
	(void)up;
	(void)dst;
	(void)c;
	return refuse(m, "Upload", err);
}

static int none_upload_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
			   struct error **err)
{
	(void)src;
	(void)dst;
	(void)c;
	return refuse(m, "UploadDir", err);
}

static int none_download(struct comm *m, const char *src, const char *dst, struct cancel *c,
			 struct error **err)
{
	(void)src;
	(void)dst;
	(void)c;
	return refuse(m, "Download", err);
}

static int none_download_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
			     struct error **err)
{
	(void)src;
	(void)dst;
	(void)c;
	return refuse(m, "DownloadDir", err);
}

static void none_close(struct comm *m)
{
	free(m);
}

static const struct comm_ops none_ops = {
	.exec = none_exec,
	.upload = none_upload,
	.upload_dir = none_upload_dir,
	.download = none_download,
	.download_dir = none_download_dir,
	.close = none_close,
};

struct comm *comm_none_new(bool swallow_transfers)
{
	struct comm_none *n = NEW(struct comm_none);

	*n = (struct comm_none){ .comm = { .ops = &none_ops }, .swallow = swallow_transfers };
	return &n->comm;
}

/* ---- of a machine that has ended ------------------------------------------------ */

struct comm_gone {
	struct comm comm;
	char *why;
};

static int gone(struct comm *m, struct error **err)
{
	return error_set(err, ERROR_GONE, "%s", ((struct comm_gone *)m)->why);
}

static int gone_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		     struct error **err)
{
	(void)cmd;
	(void)c;
	(void)ret_status;
	return gone(m, err);
}

static int gone_upload(struct comm *m, const struct comm_upload *up, const char *dst,
		       struct cancel *c, struct error **err)
{
	(void)up;
	(void)dst;
	(void)c;
	return gone(m, err);
}

static int gone_transfer(struct comm *m, const char *src, const char *dst, struct cancel *c,
			 struct error **err)
{
	(void)src;
	(void)dst;
	(void)c;
	return gone(m, err);
}

static void gone_close(struct comm *m)
{
	free(((struct comm_gone *)m)->why);
	free(m);
}

static const struct comm_ops gone_ops = {
	.exec = gone_exec,
	.upload = gone_upload,
	.upload_dir = gone_transfer,
	.download = gone_transfer,
	.download_dir = gone_transfer,
	.close = gone_close,
};

struct comm *comm_gone_new(const char *why)
{
	struct comm_gone *g = NEW(struct comm_gone);

	*g = (struct comm_gone){ .comm = { .ops = &gone_ops }, .why = xstrdup(why) };
	return &g->comm;
}

int comm_quick_put(struct comm *m, const struct comm_upload *up, const char *dst, struct cancel *c,
		   struct error **err)
{
	return m->ops->quick_put ? m->ops->quick_put(m, up, dst, c, err) : 0;
}

int comm_quick_remove(struct comm *m, const char *path, struct cancel *c, struct error **err)
{
	return m->ops->quick_remove ? m->ops->quick_remove(m, path, c, err) : 0;
}

void comm_set_loss(struct comm *m, const char *why)
{
	free(m->loss);
	m->loss = xstrdup(why);
}

void comm_close(struct comm *m)
{
	if (!m)
		return;
	comm_set_loss(m, NULL);
	m->ops->close(m);
}
