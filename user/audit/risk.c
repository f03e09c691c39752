/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * risk.c: two tables, of services and of how containers run.  Few and sure: what is in here is a
 * risk in every installation, and what is not in here is only open.
 */
#include "audit/risk.h"

#include "docker/docker.h"
#include "base/cleanup.h"

/* clang-format off */
static const struct risk_service services[] = {
	{ "Docker API", "who connects is root on this host",
	  "docker docker-socket-proxy socket-proxy", { 2375, 2376 } },
	{ "cache", "without a password who connects reads and writes all of it",
	  "redis redis-stack valkey keydb dragonfly memcached", { 6379, 11211 } },
	{ "database", "it is made for a network of friends, and passwords are guessed",
	  "postgres postgis timescaledb mysql mariadb percona mongo mongodb mssql "
	  "cockroach clickhouse clickhouse-server cassandra scylla neo4j couchdb influxdb",
	  { 5432, 3306, 27017, 1433 } },
	{ "database", "it is made for a network of friends, and passwords are guessed",
	  "couchbase rethinkdb arangodb questdb", { 9042, 5984, 7687, 8123 } },
	{ "search engine", "without a password who connects reads and deletes every index",
	  "elasticsearch opensearch meilisearch solr typesense", { 9200, 9300, 7700, 8983 } },
	{ "queue", "who connects reads and writes messages",
	  "rabbitmq kafka nats pulsar activemq artemis mosquitto", { 5672, 9092, 4222, 1883 } },
	{ "queue", "its default user is guest, with the password guest", "", { 15672 } },
	{ "coordination", "who connects reads secrets and changes the cluster",
	  "etcd consul zookeeper", { 2379, 2380, 8500, 2181 } },
	{ "admin panel", "who logs in there administers what it manages",
	  "portainer portainer-ce portainer-ee adminer phpmyadmin pgadmin4 mongo-express "
	  "redis-commander redisinsight dockge yacht cadvisor kibana", { 9000, 9443, 5601, 8081 } },
	{ "file store", "it is made for hosts of one network",
	  "nfs-server samba minio registry", { 2049, 445, 0 } },
};
/* clang-format on */

/* "ghcr.io/acme/redis:7@sha256:…" is "redis". */
static size_t base_name(const char *image, const char **ret)
{
	const char *digest = strchr(image, '@'), *slash = NULL;
	size_t length = digest ? (size_t)(digest - image) : strlen(image);

	for (size_t i = 0; i < length; i++)
		if (image[i] == '/')
			slash = image + i;
	*ret = slash ? slash + 1 : image;
	length -= *ret - image;
	for (size_t i = 0; i < length; i++)
		if ((*ret)[i] == ':')
			return i;
	return length;
}

static bool has_word(const char *words, const char *word, size_t length)
{
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == length && strncmp(at, word, length) == 0)
			return true;
	return false;
}

static bool has_port(const struct risk_service *service, unsigned short port)
{
	for (size_t i = 0; i < ARRAY_SIZE(service->ports); i++)
		if (port && service->ports[i] == port)
			return true;
	return false;
}

const struct risk_service *risk_service(const char *image, unsigned short port)
{
	const char *name = "";
	size_t length = image ? base_name(image, &name) : 0;

	for (size_t i = 0; length && i < ARRAY_SIZE(services); i++)
		if (has_word(services[i].images, name, length))
			return &services[i];
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (has_port(&services[i], port))
			return &services[i];
	return NULL;
}

/* ---- how a container runs ---------------------------------------------------------------- */

static bool is_privileged(const struct docker_facts *facts)
{
	return facts->is_privileged;
}

static bool has_socket(const struct docker_facts *facts)
{
	return facts->has_socket;
}

static bool has_host_pid(const struct docker_facts *facts)
{
	return facts->has_host_pid;
}

static bool has_host_ipc(const struct docker_facts *facts)
{
	return facts->has_host_ipc;
}

static bool has_host_network(const struct docker_facts *facts)
{
	return facts->has_host_network;
}

/* Each is a way to the host by itself: capabilities(7). */
static bool has_capability_of_root(const struct docker_facts *facts)
{
	static const char all[] = "ALL SYS_ADMIN SYS_MODULE SYS_PTRACE SYS_RAWIO DAC_READ_SEARCH";
	const char *at = facts->capabilities;

	for (; *at; at += strcspn(at, " "), at += *at == ' ')
		if (has_word(all, at, strcspn(at, " ")))
			return true;
	return false;
}

static bool has_capability(const struct docker_facts *facts)
{
	return facts->capabilities[0] && !has_capability_of_root(facts);
}

static bool is_root(const struct docker_facts *facts)
{
	size_t length = strcspn(facts->user, ":");

	return !length || (length == 1 && facts->user[0] == '0') ||
	       (length == 4 && strncmp(facts->user, "root", 4) == 0);
}

static bool may_gain(const struct docker_facts *facts)
{
	return !facts->bars_new_privileges;
}

static bool is_writable(const struct docker_facts *facts)
{
	return !facts->is_root_read_only;
}

static bool is_by_tag(const struct docker_facts *facts)
{
	return !strchr(facts->image, '@') && strncmp(facts->image, "sha256:", 7) != 0;
}

const struct risk_fact risk_facts[] = {
	{ "privileged", "runs privileged: who takes it over is root on this host", true,
	  is_privileged },
	{ "docker-socket", "has Docker's socket: who takes it over is root on this host", true,
	  has_socket },
	{ "host-pid", "sees the host's processes (--pid host), and may read their secrets", true,
	  has_host_pid },
	{ "capability-of-root", "was given a capability that leads to the host", true,
	  has_capability_of_root },
	{ "host-ipc", "shares the host's memory segments (--ipc host)", false, has_host_ipc },
	{ "host-network", "has the host's network: each port that it opens is one of the host",
	  false, has_host_network },
	{ "capability", "was given capabilities that containers do not have", false,
	  has_capability },
	{ "user-root", "runs as root: a hole in it is one as root (--user)", false, is_root },
	{ "new-privileges",
	  "may gain privileges by setuid programs (--security-opt no-new-privileges)", false,
	  may_gain },
	{ "writable-root", "can change its own programs (--read-only)", false, is_writable },
	{ "image-tag", "its image is named by a tag, behind which another may be tomorrow", false,
	  is_by_tag },
};
const size_t risk_facts_count = ARRAY_SIZE(risk_facts);
