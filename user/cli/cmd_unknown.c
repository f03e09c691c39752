/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_unknown.c: what to answer to a command that there is not: the one that was meant, or what
 * there is here in place of a command of ufw, iptables or systemctl.
 */
#include "cli/cmd.h"

#include "base/log.h"
#include "config/suggest.h"
#include "base/cleanup.h"

#define IN_FILE(statement)                                                         \
	"write the line `" statement "` into the configuration '" CONFIG_PATH "'," \
	" then `tidegate reload`"
#define DENY   "`tidegate deny TARGET from SOURCE` closes a port, `tidegate ban SOURCE` all of them"
#define DELETE "`tidegate list` numbers the rules, `tidegate delete NUMBER` removes one"

static const struct foreign {
	const char *name, *instead;
} foreign[] = {
	{ "enable", "`tidegate up` closes published ports now, `systemctl enable --now tidegate` "
		    "does so at each boot as well" },
	{ "start", "`tidegate up` closes published ports, `systemctl start tidegate` follows "
		   "Docker as well" },
	{ "disable", "`systemctl disable --now tidegate`, then `tidegate down`, opens published "
		     "ports for good" },
	{ "stop", "`tidegate down` opens published ports; before it `systemctl stop tidegate`" },
	{ "restart", "`tidegate reload` applies the configuration, `tidegate up` also replaces the "
		     "programs, without a gap" },
	{ "reset", DELETE "; to remove all, empty '" CONFIG_PATH "' and `tidegate reload`" },
	{ "flush", DELETE "; to remove all, empty '" CONFIG_PATH "' and `tidegate reload`" },
	{ "remove", DELETE },
	{ "limit", "there are no rate limits: `tidegate allow TARGET from SOURCE` opens a port to "
		   "some sources, and fail2ban can call `tidegate ban`" },
	{ "reject", "packets are dropped without an answer: " DENY },
	{ "drop", DENY },
	{ "block", DENY },
	{ "unblock", "`tidegate unban SOURCE` lifts a ban, `tidegate delete` removes a rule" },
	{ "insert", "the order of rules does not matter, the most specific source decides: "
		    "`tidegate allow …`" },
	{ "prepend", "the order of rules does not matter, the most specific source decides: "
		     "`tidegate allow …`" },
	{ "route", "every rule covers packets forwarded to containers, leave the word out: "
		   "`tidegate allow TARGET`" },
	{ "app", "name the ports of the service: `tidegate allow 80,443/tcp`" },
	{ "show", "`tidegate status` shows ports and who may enter, `tidegate list` the rules, "
		  "`tidegate check` the configuration" },
	{ "logging", "packets are counted, not logged: `tidegate status` shows them by reason and "
		     "port, `tidegate list` by rule" },
	{ "verbose", "`tidegate status` shows everything; every command takes `--verbose`" },
	{ "default", IN_FILE("default deny all") " (or deny published, or allow)" },
	{ "set", IN_FILE("set NAME PREFIX…") },
	{ "interface", IN_FILE("interface eth0") "; for now `tidegate up eth0` is enough" },
	{ "docker", IN_FILE("docker URL") "; every command takes `--docker URL` for one time" },
	{ "labels", "container labels have no effect: use `tidegate allow container NAME`" },
};

int cmd_unknown(const char *name)
{
	struct suggestion meant = { .word = name, .length = strlen(name) };

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (!streq(foreign[i].name, name))
			continue;
		log_error(0, "'%s': no such command; %s", name, foreign[i].instead);
		return CMD_USAGE;
	}
	for (size_t i = 0; i < commands_count; i++)
		suggest_offer(&meant, commands[i].name);
	log_error(0, "'%s': no such command%s%s%s `tidegate --help` lists them", name,
		  meant.best ? ", did you mean '" : ";", meant.best ?: "", meant.best ? "'?" : "");
	return CMD_USAGE;
}
