/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/writer.h"

void disk_writer_free(struct disk_writer *w)
{
	if (w)
		w->ops->free(w);
}
