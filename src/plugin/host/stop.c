/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/stop.h"

#include "base/duration.h"
#include "os/clock.h"
#include "plugin/host/serve.h"

enum { STOP_SECONDS = 10 };

static void refuse_rest(struct instance *in)
{
	struct rpc_server *server;
	struct rpc_request *r;

	while ((r = instance_next_aside(in, &server))) {
		AUTO(error) struct error *e = NULL;

		if (serve_error(server, r, "the build has been cancelled", &e) < 0)
			error_ignore(&e, "it has ended");
	}
}

void plugin_stop(struct instance *in, const char *service, const struct service *s)
{
	struct cancel *abandon = in->build ? in->build->abandon : NULL;
	int64_t deadline = clock_deadline(STOP_SECONDS * NSEC_PER_SEC);
	AUTO(error) struct error *why = NULL;
	AUTO(error) struct error *e = NULL;

	if (in->is_answered || plugin_process_why_ended(in->process, &why) < 0)
		return;
	refuse_rest(in);
	instance_cancel(in, service, s);
	while (!in->is_answered && clock_monotonic() < deadline) {
		refuse_rest(in);
		if (instance_wait(in, deadline, abandon, &e) < 0)
			return;
	}
}

int plugin_failed(struct instance *in, struct error **err)
{
	AUTO(error) struct error *why = NULL;

	if (in && plugin_process_why_ended(in->process, &why) == 0)
		return -1;
	if (in)
		plugin_process_explain(in->process, err);
	if ((*err)->kind == ERROR_GONE)
		(*err)->kind = ERROR_FAILED;
	return -1;
}
