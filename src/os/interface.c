/* SPDX-License-Identifier: Apache-2.0 */
#include "os/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static const struct ifaddrs *find_ipv4(const struct ifaddrs *list, const char *name)
{
	for (; list; list = list->ifa_next)
		if (list->ifa_addr && list->ifa_addr->sa_family == AF_INET && list->ifa_netmask &&
		    !strcmp(list->ifa_name, name))
			return list;
	return NULL;
}

static uint32_t ipv4_of(const struct sockaddr *address)
{
	return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
}

int interface_find(const char *name, struct interface *ret, struct error **err)
{
	struct ifaddrs *list = NULL;

	*ret = (struct interface){ .index = (int)if_nametoindex(name) };
	if (!ret->index)
		return error_set(err, ERROR_NOT_FOUND, "no such network interface");
	if (getifaddrs(&list) < 0)
		return error_set_errno(err, errno, "cannot list the addresses of this host");

	const struct ifaddrs *found = find_ipv4(list, name);

	if (found) {
		struct in_addr address = { .s_addr = htonl(ipv4_of(found->ifa_addr)) };

		ret->address = ipv4_of(found->ifa_addr);
		ret->prefix = __builtin_popcount(ipv4_of(found->ifa_netmask));
		(void)inet_ntop(AF_INET, &address, ret->text, sizeof(ret->text));
	}
	freeifaddrs(list);
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "cannot find any IPv4 address");
	return 0;
}
