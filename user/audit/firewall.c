/* SPDX-License-Identifier: GPL-2.0-only */
/* firewall.c: what ufw and firewalld say of themselves, read line by line.  What a line means that
 * is not understood is left out: then the default is what is told. */
#include "audit/firewall.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>

#include "base/run.h"
#include "base/cleanup.h"
#include "base/proto.h"

#define ANSWER_MS  5000
#define ANSWER_MAX (1u << 20)

static struct firewall_rule *add(struct firewall *firewall, const struct firewall_rule *rule)
{
	struct firewall_rule *added =
		util_append(&firewall->rules, firewall->rules_count, sizeof(*added));

	if (added) {
		firewall->rules_count++;
		*added = *rule;
	}
	return added;
}

/* "80", "8000:8100", "8000-8100". */
static bool read_range(const char *text, struct firewall_rule *rule)
{
	unsigned int lo, hi;
	char between;
	int fields = sscanf(text, "%5u%c%5u", &lo, &between, &hi);

	if (fields < 1 || lo > 65535 || (fields == 3 && hi > 65535))
		return false;
	rule->lo = lo;
	rule->hi = fields == 3 && (between == ':' || between == '-') ? hi : lo;
	return true;
}

static void read_proto(const char *name, size_t length, struct firewall_rule *rule)
{
	enum proto_index index = proto_find(name, length);

	rule->proto = index < PROTO_MAX ? proto_numbers[index] : 0;
}

/* "80,443/tcp", "22": a rule for each port. */
static int add_ports(struct firewall *firewall, char *text, struct firewall_rule *rule)
{
	char *slash = strchr(text, '/'), *save = NULL;

	if (slash) {
		*slash = '\0';
		read_proto(slash + 1, strlen(slash + 1), rule);
	}
	for (char *port = strtok_r(text, ",", &save); port; port = strtok_r(NULL, ",", &save))
		if (read_range(port, rule) && !add(firewall, rule))
			return -ENOMEM;
	return 0;
}

/* ---- ufw ---------------------------------------------------------------------------------------
 */

/* "6379/tcp" and "80,443", but neither "192.0.2.1" nor "2001:db8::1". */
static bool is_number(const char *word)
{
	return isdigit((unsigned char)word[0]) && !strchr(word, '.') && !strchr(word, ':');
}

/* "192.0.2.1 6379/tcp (v6)": the words of the first column. */
static int read_to(struct firewall *firewall, char *to, struct firewall_rule *rule)
{
	char *save = NULL, *ports = NULL;

	for (char *word = strtok_r(to, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (streq(word, "(v6)"))
			rule->family = 6;
		else if (streq(word, "Anywhere") || word[0] == '(')
			continue;
		else if (streq(word, "on"))
			rule->is_for_some = true, strtok_r(NULL, " ", &save);
		else if (!is_number(word) && prefix_parse(word, &rule->addr, NULL) == 0)
			rule->family = rule->addr.family;
		else if (is_number(word) ||
			 (!ports && isdigit((unsigned char)word[0]) && strchr(word, ':')))
			ports = word;
		else
			return 0; /* an application, or what we do not know */
	}
	if (!ports)
		return add(firewall, rule) ? 0 : -ENOMEM;
	return add_ports(firewall, ports, rule);
}

/* "6379/tcp                   DENY IN     Anywhere": columns are two blanks or more apart. */
static int read_ufw_rule(struct firewall *firewall, char *line)
{
	static const char *const words[] = { "ALLOW", "DENY", "REJECT", "LIMIT" };
	struct firewall_rule rule = {};
	char *action = strstr(line, "  "), *from;

	if (!action)
		return 0;
	*action++ = '\0';
	action += strspn(action, " ");
	from = strstr(action, "  ");
	/* OUT and FWD are not about what comes in. */
	if (!from || !strstr(action, " IN "))
		return 0;
	from += strspn(from, " ");
	rule.family = strstr(from, "(v6)") || strchr(from, ':') ? 6 : 4;
	rule.is_for_some =
		strncmp(from, "Anywhere", strlen("Anywhere")) != 0 || strstr(from, " on ");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(action, words[i], strlen(words[i])) == 0)
			snprintf(rule.word, sizeof(rule.word), "%s",
				 (const char *[]){ "allow", "deny", "reject", "limit" }[i]);
	return rule.word[0] ? read_to(firewall, line, &rule) : 0;
}

/* "Default: deny (incoming), allow (outgoing), deny (routed)" */
static void read_default(const char *line, struct firewall *firewall)
{
	(void)sscanf(line, "Default: %15[a-z] (incoming)", firewall->otherwise);
}

int firewall_parse_ufw(const char *text, struct firewall *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;
	int err = copy ? 0 : -ENOMEM;

	ret->name = "ufw";
	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line && !err;
	     line = strtok_r(NULL, "\n", &save)) {
		if (streq(line, "Status: active"))
			ret->is_active = true;
		else if (strncmp(line, "Default: ", strlen("Default: ")) == 0)
			read_default(line, ret);
		else
			err = read_ufw_rule(ret, line);
	}
	return err;
}

/* ---- firewalld ----------------------------------------------------------------------------------
 */

static int add_service(struct firewall *firewall, const char *name)
{
	static const char *const protos[] = { "tcp", "udp" };

	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		struct firewall_rule rule = { .word = "allow" };
		const struct servent *entry = getservbyname(name, protos[i]);

		if (!entry)
			continue;
		read_proto(protos[i], strlen(protos[i]), &rule);
		rule.lo = rule.hi = ntohs(entry->s_port);
		if (!add(firewall, &rule))
			return -ENOMEM;
	}
	return 0;
}

static int read_list(struct firewall *firewall, char *list, bool is_services)
{
	char *save = NULL;
	int err = 0;

	for (char *word = strtok_r(list, " ", &save); word && !err;
	     word = strtok_r(NULL, " ", &save)) {
		struct firewall_rule rule = { .word = "allow" };

		err = is_services ? add_service(firewall, word) : add_ports(firewall, word, &rule);
	}
	return err;
}

int firewall_parse_firewalld(const char *text, struct firewall *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;
	int err = copy ? 0 : -ENOMEM;

	ret->name = "firewalld";
	ret->is_active = true;
	snprintf(ret->otherwise, sizeof(ret->otherwise), "reject");
	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line && !err;
	     line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " ");
		if (streq(line, "target: ACCEPT"))
			snprintf(ret->otherwise, sizeof(ret->otherwise), "allow");
		else if (strncmp(line, "target: DROP", strlen("target: DROP")) == 0)
			snprintf(ret->otherwise, sizeof(ret->otherwise), "deny");
		else if (strncmp(line, "ports: ", strlen("ports: ")) == 0)
			err = read_list(ret, line + strlen("ports: "), false);
		else if (strncmp(line, "services: ", strlen("services: ")) == 0)
			err = read_list(ret, line + strlen("services: "), true);
	}
	return err;
}

/* ---- asking
 * -------------------------------------------------------------------------------------- */

static int ask(const char *const *argv, int (*parse)(const char *text, struct firewall *ret),
	       struct firewall *ret)
{
	_cleanup_(buffer_clear) struct buffer output = {};
	const struct run run = { argv, ANSWER_MS, ANSWER_MAX };
	int err = run_read(&run, &output, NULL);

	if (err)
		return err == -ENOMEM ? err : 0;
	return parse(output.bytes, ret);
}

int firewall_read(struct firewall *ret)
{
	static const char *const ufw[] = { "ufw", "status", "verbose", NULL };
	static const char *const firewalld[] = { "firewall-cmd", "--list-all", NULL };
	struct firewall other = {};
	int err = ask(ufw, firewall_parse_ufw, ret);

	if (err || ret->is_active)
		return err;
	err = ask(firewalld, firewall_parse_firewalld, &other);
	if (!err && other.is_active) {
		firewall_clear(ret);
		*ret = other;
		return 0;
	}
	firewall_clear(&other);
	return err;
}

/* ---- answering
 * ------------------------------------------------------------------------------------ */

static bool is_about(const struct firewall_rule *rule, const struct firewall_question *question)
{
	if ((rule->proto && rule->proto != question->proto) ||
	    (rule->family && rule->family != question->addr.family) ||
	    (rule->lo && (question->port < rule->lo || question->port > rule->hi)))
		return false;
	return !rule->addr.family || !question->addr.length ||
	       prefix_contains(&rule->addr, &question->addr);
}

/* The first rule for everybody decides, as it does there; those before for some are told of. */
const char *firewall_says(const struct firewall *firewall, const struct firewall_question *question)
{
	bool is_some = false;

	if (!firewall || !firewall->name)
		return NULL;
	if (!firewall->is_active)
		return "inactive";
	for (size_t i = 0; i < firewall->rules_count; i++) {
		const struct firewall_rule *rule = &firewall->rules[i];

		if (!is_about(rule, question))
			continue;
		if (!rule->is_for_some)
			return is_some && firewall_is_closed(rule->word) ? "allow some"
									 : rule->word;
		is_some |= !firewall_is_closed(rule->word);
	}
	if (is_some && firewall_is_closed(firewall->otherwise))
		return "allow some";
	return firewall->otherwise[0] ? firewall->otherwise : NULL;
}

bool firewall_is_closed(const char *word)
{
	return streq(word, "deny") || streq(word, "reject");
}

void firewall_clear(struct firewall *firewall)
{
	free(firewall->rules);
	*firewall = (struct firewall){};
}
