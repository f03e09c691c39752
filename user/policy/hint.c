/* SPDX-License-Identifier: GPL-2.0-only */
/* hint.c: see hint.h. */
#include "policy/hint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>

#include "config/config.h"
#include "docker/inventory.h"
#include "host/netdev.h"
#include "config/suggest.h"
#include "base/cleanup.h"
#include "base/proto.h"

/* Docker shows 12 digits of an id. */
#define ID_PREFIX_MIN 12

static const struct container *find_container(const struct inventory *inventory, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		if (streq(container->name, name) ||
		    (length >= ID_PREFIX_MIN && strncmp(container->id, name, length) == 0))
			return container;
	}
	return NULL;
}

bool hint_is_container(const struct inventory *inventory, const char *name)
{
	return find_container(inventory, name) != NULL;
}

/* ---- a word that nobody knows ----------------------------------------------------- */

static struct servent *find_service(const char *word)
{
	char name[64] = "";

	for (size_t i = 0; word[i] && i + 1 < sizeof(name); i++)
		name[i] = tolower((unsigned char)word[i]);
	if (streq(name, "openssh")) /* as ufw has it */
		return getservbyname("ssh", "tcp");
	return getservbyname(name, "tcp") ?: getservbyname(name, "udp");
}

/* The statement with ports in place of its name; what it points to stays the statement's. */
static char *print_with_ports(const struct statement *statement, struct port_range ports,
			      unsigned int protos)
{
	struct statement other = *statement;

	other.target = (struct target){
		.kind = TARGET_PORTS,
		.protos = protos,
		.ports = &ports,
		.ports_count = 1,
	};
	return config_print_statement(&other);
}

static void put_service(FILE *out, const struct statement *statement)
{
	const struct servent *service = find_service(statement->target.name);
	_cleanup_free_ char *text = NULL;
	unsigned short port;

	if (!service)
		return;
	port = ntohs(service->s_port);
	text = print_with_ports(statement, (struct port_range){ port, port },
				streq(service->s_proto, "udp") ? PROTO_BIT_UDP : PROTO_BIT_TCP);
	fprintf(out, "for the service write `tidegate %s`, ", text ?: "");
}

static void put_nearest(FILE *out, const struct target *target, const struct inventory *inventory)
{
	struct suggestion meant = { .word = target->name, .length = strlen(target->name) };

	for (size_t i = 0; inventory && i < inventory->containers_count; i++)
		suggest_offer(&meant, inventory->containers[i].name);
	if (meant.best)
		fprintf(out, "; there is a container '%s'", meant.best);
}

char *hint_unknown(const struct statement *statement, const struct inventory *inventory)
{
	_cleanup_free_ char *rule = config_print_statement(statement);
	const char *name = statement->target.name;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "'%s': there is no such container now: ", name);
	if (strcasecmp(name, "icmp") == 0 || strcasecmp(name, "ping") == 0)
		fputs("ICMP has no ports and passes, unless a `ban` contains the source; ", out);
	if (strcasecmp(name, "all") == 0)
		fputs("only `tidegate failsafe from SOURCE` opens every port; ", out);
	put_service(out, statement);
	fprintf(out,
		"for a port write its number, as 443/tcp, for a container that does not exist yet "
		"`tidegate %s`",
		rule ?: "");
	put_nearest(out, &statement->target, inventory);
	fclose(out);
	return text;
}

/* ---- a container without ports ------------------------------------------------------ */

/* The name is Docker's own: nobody can make another network of that name. */
static bool uses_network_of_host(const struct container *container)
{
	for (size_t i = 0; i < container->endpoints_count; i++)
		if (streq(container->endpoints[i].network ?: "", "host"))
			return true;
	return false;
}

char *hint_useless(const struct statement *statement, const struct inventory *inventory)
{
	const struct target *target = &statement->target;
	const struct container *container = NULL;
	char *text = NULL;
	int err;

	if (target->kind == TARGET_CONTAINER)
		container = find_container(inventory, target->name);
	if (!container)
		return strdup("matches no running container");
	if (uses_network_of_host(container))
		err = asprintf(&text,
			       "container '%s' publishes no port, because it uses the host's "
			       "network: name its ports, `%s PORT`",
			       container->name,
			       statement->kind == STATEMENT_DENY ? "deny" : "allow");
	else
		err = asprintf(&text, "container '%s' publishes %s", container->name,
			       container->bindings_count ? "other ports than these" : "no port");
	return err < 0 ? NULL : text;
}

/* ---- the wrong side of -p 8080:80 ------------------------------------------------------- */

static bool has_port(const struct target *target, __u8 proto, unsigned short port)
{
	for (size_t i = 0; i < target->ports_count; i++)
		if (port >= target->ports[i].lo && port <= target->ports[i].hi)
			return target->protos & 1u << proto_index(proto);
	return false;
}

/* Whether anything answers there: then the port is what was meant. */
static bool is_used(const struct hint_world *world, __u8 proto, unsigned short port)
{
	const struct inventory *inventory = world->inventory;

	for (size_t i = 0; i < world->listeners_count; i++)
		if (world->listeners[i].proto == proto && world->listeners[i].port == port)
			return true;
	for (size_t i = 0; i < inventory->containers_count; i++)
		for (size_t j = 0; j < inventory->containers[i].bindings_count; j++) {
			const struct binding *binding = &inventory->containers[i].bindings[j];

			if (binding->proto == proto && port >= binding->host_lo &&
			    port <= binding->host_hi)
				return true;
		}
	return false;
}

/* The first port of the binding that the rule names by the container's side. */
static int find_inside(const struct binding *binding, const struct statement *statement,
		       const struct hint_world *world)
{
	for (int i = 0; binding->host_lo && i <= binding->host_hi - binding->host_lo; i++)
		if (has_port(&statement->target, binding->proto, binding->port + i) &&
		    !is_used(world, binding->proto, binding->port + i))
			return i;
	return -1;
}

#define SHOWN_CONTAINERS 3

struct inside {
	FILE *out;
	const struct statement *statement;
	const struct hint_world *world;
	size_t count;
};

static void put_binding(struct inside *inside, const char *name, const struct binding *binding,
			int offset)
{
	unsigned short port = binding->host_lo + offset;
	_cleanup_free_ char *rule =
		print_with_ports(inside->statement, (struct port_range){ port, port },
				 1u << proto_index(binding->proto));

	if (!inside->count++)
		fprintf(inside->out, "no published port %u", binding->port + offset);
	fprintf(inside->out, "; container '%s' publishes its port %u as %u: `tidegate %s`", name,
		binding->port + offset, port, rule ?: "");
}

/* One binding is enough: the next is often the same for the other family. */
static void put_container(struct inside *inside, const struct container *container)
{
	for (size_t i = 0; i < container->bindings_count; i++) {
		const struct binding *binding = &container->bindings[i];
		int offset = find_inside(binding, inside->statement, inside->world);

		if (offset < 0)
			continue;
		put_binding(inside, container->name, binding, offset);
		return;
	}
}

/* Those that run; if none of them has it, those that do not. */
static void put_containers(struct inside *inside)
{
	const struct inventory *inventory = inside->world->inventory;

	for (int is_running = 1; is_running >= 0 && !inside->count; is_running--)
		for (size_t i = 0; i < inventory->containers_count; i++)
			if (inventory->containers[i].is_running == is_running &&
			    inside->count < SHOWN_CONTAINERS)
				put_container(inside, &inventory->containers[i]);
}

char *hint_inside(const struct statement *statement, const struct hint_world *world)
{
	struct inside inside = { .statement = statement, .world = world };
	char *text = NULL;
	size_t size;

	if (statement->target.kind != TARGET_PORTS || statement->target.on.family ||
	    statement->kind == STATEMENT_FAILSAFE || !world->inventory)
		return NULL;
	inside.out = open_memstream(&text, &size);
	if (!inside.out)
		return NULL;
	put_containers(&inside);
	fclose(inside.out);
	if (!inside.count)
		free(TAKE_PTR(text));
	return text;
}
